"""What happened on the wire: one Event for each datagram, a record of them, and subscribers."""

from collections.abc import Callable
from dataclasses import dataclass

from aiocoap import Message


@dataclass(frozen=True)
class Event:
    """A datagram that reached the server (up) or left it.

    What the link loses on its way up is no event; what it loses on its way down is one.
    """

    time: float  # seconds of time.monotonic()
    up: bool  # towards the server
    address: tuple  # host and port of the device
    message: Message | None  # None: malformed
    datagram: bytes

    @property
    def is_request(self) -> bool:
        return self.up and self.message is not None and self.message.code.is_request()

    @property
    def path(self) -> tuple[str, ...]:
        """The segments of the message's Uri-Path; without any: ()."""
        return () if self.message is None else self.message.opt.uri_path


class Events(list):
    """All events so far, oldest first. Subscribers are called with each new one.

    most: how many of the newest are kept, at least, and no more than twice as many; None: all.
    """

    def __init__(self):
        super().__init__()
        self.most: int | None = None
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, function: Callable[[Event], None]) -> None:
        self._subscribers.append(function)

    def record(self, event: Event) -> None:
        self.append(event)
        if self.most is not None and len(self) > 2 * self.most:
            del self[: len(self) - self.most]
        for function in self._subscribers:
            function(event)
