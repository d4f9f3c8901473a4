"""The last datagrams, with what belongs to each: its device, and the request that it answers.

One Datagrams is told of every event of a simulator and is read by all browsers, in the simulator's
thread. It keeps KEPT events; of what came faster than a browser reads, the oldest are left out.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from ...decoded import access_token, decoded, path_of
from ...events import Event
from ...model.devices import Device
from ...model.store import Store

KEPT = 500
AT_ONCE = 150  # rows that a browser gets at once
REMEMBERED = 1000  # requests, for the path of what answers them, and addresses


class Datagrams:
    """Rows for a table, each with a number that grows.

    known(address) returns the device that showed its certificate from there.
    """

    def __init__(
        self, store: Store, known: Callable[[tuple], Device | None] = lambda address: None
    ):
        self.count = 0
        self._store = store
        self._known = known
        self._events: deque[tuple[int, int, Event]] = deque(maxlen=KEPT)  # number, Unix ms
        self._paths: OrderedDict[tuple, str] = OrderedDict()  # by address and token
        self._names: OrderedDict[tuple, str] = OrderedDict()  # of devices, by address

    def record(self, event: Event) -> None:
        """Keep an event: a subscriber of the simulator's."""
        self.count += 1
        self._events.append((self.count, time.time_ns() // 1_000_000, event))

    def after(self, number: int) -> tuple[list[dict], int]:
        """Return the rows after a number, oldest first, and how many of them are left out."""
        new = [kept for kept in self._events if kept[0] > number][-AT_ONCE:]
        return [self._row(*kept) for kept in new], self.count - number - len(new)

    def _row(self, number: int, ms: int, event: Event) -> dict:
        row = {"n": number, "ms": ms, "up": event.up, "bytes": len(event.datagram)}
        message = event.message
        row["address"] = f"{event.address[0]}:{event.address[1]}"
        if message is None:
            return row | {"device": self._names.get(event.address), "type": "malformed"}
        request = event.address, message.token
        if path := path_of(message):
            remember(self._paths, request, path)
            token = access_token(message)
            device = self._known(event.address)
            device = device or (self._store.by_access_token(token) if token else None)
            if device:
                remember(self._names, event.address, device.name)
        row |= decoded(message)
        if not path and message.token:
            row["answers"] = self._paths.get(request)
        return row | {"device": self._names.get(event.address)}


def remember(known: OrderedDict, key, value) -> None:
    """Keep a value, and the REMEMBERED last ones."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
