"""Profiles and devices: what is stored of a device, and who is told of its changes."""

import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .payloads import JSONPayloads, Payloads, ProtobufPayloads
from .protobuf import root_class
from .rpc import RPC

if TYPE_CHECKING:
    from .packages import Package

CLAIM_DURATION_MS = 86_400_000  # security.claim.duration


def new_id() -> str:
    """Return the id of a new entity, as REST shows it."""
    return str(uuid.uuid4())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Point(NamedTuple):
    """One value of telemetry."""

    ts: int  # Unix milliseconds
    key: str
    value: object


@dataclass
class Profile:
    """A device profile. strategy: DISABLED, ALLOW_CREATE_NEW_DEVICES or
    CHECK_PRE_PROVISIONED_DEVICES.
    """

    name: str = "default"
    provision_key: str = ""
    provision_secret: str = ""
    strategy: str = "DISABLED"
    transport: str = "DEFAULT"  # DEFAULT, COAP, EFENTO; any other cannot speak CoAP
    payload: str = "JSON"  # or PROTOBUF
    # Its schemas "telemetry", "attributes", "request" and "response": .proto files. A Protobuf
    # profile has the server's default in the place of one that is not there.
    protos: dict[str, Path] = field(default_factory=dict)
    power_mode: str = "DRX"  # DRX, PSM, E_DRX
    activity_ms: int = 10_000  # psmActivityTimer or pagingTransmissionWindow
    packages: dict[str, "Package"] = field(default_factory=dict)  # by kind: "fw", "sw"
    id: str = field(default_factory=new_id)
    created_ms: int = field(default_factory=now_ms)
    revision: int = 1  # of what users saved; one that saves an older one is refused
    saved: dict = field(default_factory=dict)  # what a user saved by REST, kept unread

    @cached_property
    def payloads(self) -> Payloads:
        if self.payload == "JSON":
            return JSONPayloads()
        return ProtobufPayloads(**{name: root_class(path) for name, path in self.protos.items()})


class Device:
    """A device of the store. on_shared_change(device, updated, deleted) is called when shared
    attributes changed.
    """

    def __init__(
        self,
        name: str,
        profile: Profile,
        access_token: str,
        on_shared_change: Callable[["Device", dict, list[str]], None],
    ):
        self.id = new_id()
        self.created_ms = now_ms()
        self.revision = 1  # of what users saved; one that saves an older one is refused
        self.heard_ms = 0  # Unix milliseconds of its last sign of life
        self.saved: dict = {}  # what a user saved by REST, kept unread
        self.name = name
        self.profile = profile
        self.access_token = access_token
        self.credentials_type = "ACCESS_TOKEN"
        self.credentials_value: object = access_token  # of X509_CERTIFICATE: base64 of its DER
        self.client_attributes: dict = {}
        self.shared_attributes: dict = {}
        self.server_attributes: dict = {}
        self.telemetry: list[Point] = []
        self.points_kept: int | None = None  # so many at least; None: all
        self.forgotten = 0  # points that are in telemetry no more
        self.posts = 0  # telemetry messages received
        self.claims: list[dict] = []
        self.calls: list[tuple[str, object]] = []  # client-side RPC: method, params
        self.rpcs: dict[int, RPC] = {}  # by id
        self.packages: dict[str, Package] = {}  # by kind; goes before the profile's
        self.fetched: dict[str, int] = {}  # by kind: bytes of its package, up to the last one sent
        self._rpc_ids = itertools.count()
        self._on_shared_change = on_shared_change

    def has_token(self, access_token: str) -> bool:
        """Whether an access token is this device's credentials."""
        return self.credentials_type == "ACCESS_TOKEN" and self.access_token == access_token

    # Telemetry and attributes

    def save_telemetry(self, points: list[tuple[int, dict]]) -> None:
        """Store a telemetry message: (time, values) of each of its objects."""
        self.posts += 1
        for ts, values in points:
            self.add_points(ts, values)

    def add_points(self, ts: int, values: dict) -> None:
        self.telemetry += [Point(ts, key, value) for key, value in values.items()]
        if self.points_kept is not None and len(self.telemetry) > 2 * self.points_kept:
            self._forget_points(self.points_kept)

    def _forget_points(self, kept: int) -> None:
        # Forget all but the last so many points, and the newest of each key.
        recent = self.telemetry[-kept:]
        newest = self.latest_points()
        rare = [newest[key] for key in newest.keys() - {point.key for point in recent}]
        self.forgotten += len(self.telemetry) - len(rare) - len(recent)
        self.telemetry[:] = rare + recent

    def was_sent(self, kind: str, start: int, size: int) -> None:
        """Bytes of the package of a kind went out; from its first one on it begins anew."""
        before = self.fetched.get(kind, 0) if start else 0
        self.fetched[kind] = max(before, start + size)

    def latest(self) -> dict:
        """Return {key: value} of the newest points."""
        return {key: point.value for key, point in self.latest_points().items()}

    def latest_points(self) -> dict[str, Point]:
        """Return the newest point of each key."""
        return {p.key: p for p in sorted(self.telemetry, key=lambda point: point.ts)}

    def set_shared(self, values: dict) -> None:
        self.shared_attributes.update(values)
        self._on_shared_change(self, values, [])

    def delete_shared(self, keys: list[str]) -> None:
        for key in keys:
            self.shared_attributes.pop(key, None)
        self._on_shared_change(self, {}, list(keys))

    def read_attributes(self, client_keys: list | None, shared_keys: list | None) -> dict:
        """Return {"client": {..}, "shared": {..}} without empty parts; both None asks for
        everything.
        """
        if client_keys is None and shared_keys is None:
            client, shared = self.client_attributes, self.shared_attributes
        else:
            client = {k: v for k, v in self.client_attributes.items() if k in (client_keys or ())}
            shared = {k: v for k, v in self.shared_attributes.items() if k in (shared_keys or ())}
        parts = {"client": dict(client), "shared": dict(shared)}
        return {name: part for name, part in parts.items() if part}

    # Commands

    def start_rpc(
        self,
        method: str,
        params,
        two_way: bool,
        persistent: bool,
        on_done: Callable[[], None] | None = None,
    ) -> RPC:
        rpc = RPC(next(self._rpc_ids), method, params, two_way, persistent, on_done)
        self.rpcs[rpc.id] = rpc
        return rpc

    def reply(self, rpc_id: int, response) -> None:
        """Take the device's reply to a command; to an unknown one it means nothing."""
        rpc = self.rpcs.get(rpc_id)
        if rpc and (rpc.two_way or rpc.persistent):
            rpc.finish("SUCCESSFUL", response)

    def forget_rpcs(self) -> None:
        """A restart of the server: no command is known, and ids begin at 0 again."""
        self._rpc_ids = itertools.count()
        self.rpcs = {}

    # Claims

    def claim(self, secret: str, duration_ms: int) -> None:
        """Remember a claim; while one is pending the first stays (put-if-absent)."""
        self.claims.append({"secretKey": secret, "durationMs": duration_ms or CLAIM_DURATION_MS})
