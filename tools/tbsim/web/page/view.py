"""What one browser is shown of a simulator. All of it runs in the simulator's thread.

A view is asked again and again, and tells the parts that are not as it told them last. Each part
is bounded: so many devices, attributes and charts, values cut off; what is left out is counted.
"""

import json
import re
from collections import deque

from ...model.devices import Device, Point
from ...model.packages import KINDS, package_of
from ...simulator import Simulator
from .datagrams import Datagrams
from .moods import form
from .readings import Newest, Reader

DEVICES = 200
ATTRIBUTES = 200  # of a scope
VALUE = 2000  # characters
CHARTS = 24  # keys
OF_UPDATES = re.compile(r"(target|current)_(fw|sw)_|(fw|sw)_")  # keys that are shown as an update
HISTORY = 300  # points of a key that a new browser gets


class View:
    """One browser's. device: the id of the device that it shows in full; find: what the names of
    the devices that it lists have in them; after: the number of the last datagram that it has.
    """

    def __init__(
        self,
        sim: Simulator,
        datagrams: Datagrams,
        newest: Newest,
        device: str = "",
        find: str = "",
        after: int = 0,
    ):
        self._sim, self._datagrams, self._newest = sim, datagrams, newest
        self._id, self._find = device, find.lower()
        self._told: dict[str, str] = {}  # by the name of a part: its JSON
        self._row = after if after <= datagrams.count else 0
        self._reader: Reader | None = None
        self._charted: set[str] = set()
        self._left_out: set[str] = set()  # keys for which there is no place

    def look(self) -> list[tuple[str, str]]:
        """Return names and JSON of the parts that are new."""
        devices = self._sim.store.devices.values()
        chosen = next((d for d in devices if d.id == self._id), None)
        parts = {"server": self._server(), "devices": self._devices()}
        parts["device"] = self._device(chosen) if chosen else None
        new = [part for part in map(as_json, parts.items()) if self._is_new(*part)]
        if chosen and (points := self._points(chosen)):
            new.append(as_json(("points", points)))
        rows, left_out = self._datagrams.after(self._row)
        self._row = self._datagrams.count
        if rows:
            new.append(as_json(("datagrams", {"rows": rows, "left_out": left_out})))
        return new

    def _is_new(self, name: str, text: str) -> bool:
        if self._told.get(name) == text:
            return False
        self._told[name] = text
        return True

    def _server(self) -> dict:
        sim = self._sim
        return {
            "address": f"coap://{sim.host}:{sim.port}",
            "deaf": sim.layer.deaf,
            "starting": sim.resources.backend.starting,
            "counts": sim.link.counts,
            "form": form(sim),
        }

    def _devices(self) -> dict:
        found = [d for d in self._sim.store.devices.values() if self._find in d.name.lower()]
        shown = found[:DEVICES]
        shown += [d for d in found[DEVICES:] if d.id == self._id]
        left_out = len(found) - len(shown)
        return {"shown": [self._summary(d) for d in shown], "left_out": left_out}

    def _summary(self, device: Device) -> dict:
        newest = self._newest.of(device)
        return {
            "id": device.id,
            "name": device.name,
            "heard_ms": device.heard_ms,
            "version": version_of(device, newest),
            "updates": updates(device, newest),
        }

    def _device(self, device: Device) -> dict:
        newest = self._newest.of(device)
        downlink = self._sim.downlink
        words = {k: p.value for k, p in newest.items() if not is_charted(p)}
        return {
            "id": device.id,
            "name": device.name,
            "profile": device.profile.name,
            "heard_ms": device.heard_ms,
            "listens": [f for f in ("attributes", "rpc") if downlink.observation(device, f)],
            "version": version_of(device, newest),
            "client": table(device.client_attributes),
            "shared": table(device.shared_attributes),
            "values": table({k: v for k, v in words.items() if not OF_UPDATES.match(k)}),
            "updates": updates(device, newest),
            "packages": [listed(p) for p in self._packages(device)],
        }

    def _packages(self, device: Device) -> list:
        return [p for p in self._sim.store.packages.values() if p.profile is device.profile]

    def _points(self, device: Device) -> dict | None:
        """Return what came of the device's numbers, at first the last of each key."""
        first = not self._charted
        self._reader = self._reader or Reader(device)
        history: dict[str, deque[Point]] = {}
        for point in self._reader.new():
            key = point.key
            if not is_charted(point) or key in self._left_out:
                continue
            if key not in self._charted and len(self._charted) >= CHARTS:
                self._left_out.add(key)
            else:
                self._charted.add(key)
                history.setdefault(key, deque(maxlen=HISTORY)).append(point)
        if not history:
            return None
        points = [[p.ts, p.key, p.value] for queue in history.values() for p in queue]
        left_out = len(self._left_out)
        return {"device": device.id, "first": first, "points": points, "left_out": left_out}


def as_json(part: tuple[str, object]) -> tuple[str, str]:
    return part[0], json.dumps(part[1], separators=(",", ":"))


def is_charted(point: Point) -> bool:
    number = isinstance(point.value, (int, float)) and not isinstance(point.value, bool)
    return number and not OF_UPDATES.match(point.key)


def table(values: dict) -> dict:
    """Return rows of key, value as JSON, and whether that is cut off; and how many are not there.

    A value is text here, because a browser would round a number of 64 bits.
    """
    rows = []
    for key, value in sorted(values.items())[:ATTRIBUTES]:
        text = json.dumps(value, ensure_ascii=False)
        rows.append([key, text[:VALUE], len(text) > VALUE])
    return {"rows": rows, "left_out": len(values) - len(rows)}


def version_of(device: Device, newest: dict[str, Point]) -> str:
    """Return the version that a device says it runs, "" before it did."""
    point = newest.get("current_fw_version")
    told = point.value if point else device.client_attributes.get("version", "")
    return str(told)


def updates(device: Device, newest: dict[str, Point]) -> list[dict]:
    """Return how far the assigned packages are."""
    found = []
    for kind in KINDS:
        if package := package_of(device, kind):
            state, error = newest.get(kind + "_state"), newest.get(kind + "_error")
            began = newest.get(f"target_{kind}_ts")
            told = error and began and error.ts >= began.ts
            found.append(
                {
                    "kind": kind,
                    "id": package.id,
                    "title": package.title,
                    "version": package.version,
                    "size": len(package.data),
                    "fetched": device.fetched.get(kind, 0),
                    "state": str(state.value) if state else "",
                    "error": str(error.value)[:VALUE] if told else "",
                    "own": kind in device.packages,
                }
            )
    return found


def listed(package) -> dict:
    return {
        "id": package.id,
        "title": package.title,
        "version": package.version,
        "kind": package.kind,
        "size": len(package.data),
    }
