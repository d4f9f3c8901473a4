"""Plays the record against a simulator: sends what devices sent, compares what comes back.

A device's socket is known by its message ids, which count upwards; it stays open, because what the
server sends to it later was recorded too.
"""

import itertools
import select
import socket
from collections.abc import Callable

from aiocoap import Message
from aiocoap.numbers.types import ACK, RST

from tools.tbsim.wire.codec import decode

from .compare import said
from .transcripts import Row

PATIENCE_S = 4.0  # for a datagram that was recorded
QUIET_S = 0.12  # after a datagram that had no answer
SHORTLY_S = 0.005  # after one that had
DATAGRAM = 4096


class Player:
    """differences: by label, what was not as recorded, in words."""

    def __init__(self, port: int):
        self.differences: dict[str, list[str]] = {}
        self._port = port
        self._sockets: dict[int, socket.socket] = {}  # by the last message id of a device
        self._sent_by_server: dict[int, tuple] = {}  # recorded message id: socket, message id here

    def play(self, rows: list[Row], before: Callable[[Row], None]) -> None:
        """Play one session; before(row) is called ahead of each row."""
        self._sent_by_server.clear()
        for row, following in itertools.zip_longest(rows, rows[1:]):
            before(row)
            if row.up:
                self._send(row)
            else:
                self._compare(row)
            if following is None or following.up and following.label != row.label:
                self._look_for_more(row)

    def exchange(self, mid: int, datagram: bytes) -> None:
        """Send a request that was not recorded, from the device whose next message id is mid."""
        device = self._device(mid)
        device.send(datagram)
        device.settimeout(PATIENCE_S)
        device.recv(DATAGRAM)

    def hang_up(self) -> None:
        """Close all sockets: their devices are heard no more."""
        for device in self._sockets.values():
            device.close()
        self._sockets.clear()

    def _send(self, row: Row) -> None:
        message = decode(row.datagram)
        if message and message.mtype in (ACK, RST) and message.mid in self._sent_by_server:
            device, mid = self._sent_by_server[message.mid]
            device.send(row.datagram[:2] + mid.to_bytes(2, "big") + row.datagram[4:])
        else:
            self._device(int.from_bytes(row.datagram[2:4], "big")).send(row.datagram)

    def _device(self, mid: int) -> socket.socket:
        last = mid if mid in self._sockets else mid - 1
        device = self._sockets.pop(last, None)
        if not device:
            device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            device.connect(("127.0.0.1", self._port))
        self._sockets[mid] = device
        return device

    def _read(self, seconds: float) -> tuple[socket.socket, bytes] | None:
        ready = select.select(list(self._sockets.values()), [], [], seconds)[0]
        return (ready[0], ready[0].recv(DATAGRAM)) if ready else None

    def _compare(self, row: Row) -> None:
        got = self._read(PATIENCE_S)
        if not got:
            self._differs(row, f"nothing came for {row.datagram.hex()}")
            return
        device, datagram = got
        recorded, mid = Message.decode(row.datagram).mid, Message.decode(datagram).mid
        known = self._sent_by_server.setdefault(recorded, (device, mid))
        if known[1] != mid:
            self._differs(row, "a repetition with another message id")
        clock = "efento/t" in row.label
        want, have = said(row.datagram, clock), said(datagram, clock)
        for name, value in want.items():
            if have[name] != value:
                self._differs(row, f"{name} {have[name]!r} instead of {value!r}")

    def _look_for_more(self, row: Row) -> None:
        message = decode(row.datagram) if row.up else None
        asked = row.up and not (message and message.mtype is ACK)
        while more := self._read(QUIET_S if asked else SHORTLY_S):
            self._differs(row, f"{more[1].hex()} was not recorded")

    def _differs(self, row: Row, words: str) -> None:
        found = self.differences.setdefault(row.label, [])
        found.append(f"datagram {row.index} of session {row.session}: {words[:400]}")
