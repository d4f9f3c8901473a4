from collections.abc import Callable
from typing import Any

from .message import Message, _Buffer

class ResponseError(Exception):
    code: int
    payload: bytes
    def __init__(self, response: Message) -> None: ...

class ResetError(OSError): ...

class Exchange:
    datagram: bytearray
    token: bytes
    deadline: int
    receiver: Any
    def __init__(self, datagram: bytearray, token: bytes, deadline: int) -> None: ...

class Endpoint:
    ack_timeout_ms: int
    window_limit: int
    exchanges: list[Exchange]
    heard: int
    malformed: int
    unexpected: int
    duplicates: int
    stale: int
    retransmissions: int
    def __init__(
        self, random: Callable[[int], bytes], ack_timeout_ms: int = 2000, window_limit: int = 3
    ) -> None: ...
    @property
    def block_size(self) -> int: ...
    def request(
        self,
        message: Message,
        now: int,
        timeout_ms: int = 93000,
        observe: bool | None = None,
        bulk: bool = False,
        receiver: Any = None,
    ) -> Exchange: ...
    def cancel(self, exchange: Exchange, outcome: Exception | None = None) -> None: ...
    def next_datagram(self, now: int) -> _Buffer | None: ...
    def next_event(self) -> tuple[Exchange, Message | Exception] | None: ...
    def handle_timeout(self, now: int) -> int: ...
    def receive_datagram(self, data: _Buffer, now: int) -> None: ...

def ticks_diff(a: int, b: int) -> int: ...
