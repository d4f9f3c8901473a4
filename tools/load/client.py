"""The library's Client on CPython's asyncio: the same code but for how it waits.

On a board a task reads the socket and another one sleeps until something is due, both by the
inside of MicroPython's asyncio. Here the event loop calls when the socket can be read, and an
alarm calls when something is due. Everything else is inherited.
"""

import asyncio
from collections.abc import Callable
from time import ticks_ms

import coap
from coap.udp import UDPTransport

URI_PATH = 11


class LoopClient(coap.Client):
    """A client of a numerical address that also tells of its registrations.

    asked(feature) is called with "attributes" or "rpc" as one goes out, answered(feature) as its
    first answer comes.
    """

    def __init__(
        self,
        address: tuple[str, int],
        asked: Callable[[str], None],
        answered: Callable[[str], None],
    ):
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._number: int | None = None  # of the socket that the loop watches
        self._asked, self._answered = asked, answered
        super().__init__(UDPTransport(*address))

    def close(self):
        super().close()
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def start(self, message, timeout_ms, receiver, observe=None, bulk=False):
        if observe is not None:
            path = [value.decode() for number, value in message.options if number == URI_PATH]
            feature = path[-1]
            self._asked(feature)
            receiver = FirstAnswer(receiver, lambda: self._answered(feature))
        return super().start(message, timeout_ms, receiver, observe, bulk)

    def _pump(self):
        wait_ms = super()._pump()
        if self._timer:
            self._wake_in(wait_ms / 1000)
        return wait_ms

    def _wake_in(self, seconds: float) -> None:
        # An alarm that comes too early does no harm: it pumps, and sets the next one.
        if self._alarm and self._alarm.when() <= self._loop.time() + seconds:
            return
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._pump()

    async def _keep_time(self):
        self._pump()

    async def _read(self):
        self._watch(self.transport.pollable)
        await self._loop.create_future()  # until cancelled: the loop calls _readable()

    def _readable(self) -> None:
        try:
            self.endpoint.receive_datagram(self.transport.recv(), ticks_ms())
            self._pump()
        except Exception as error:
            self._failed(error)

    def _watch(self, pollable):
        # By its number: the socket may be closed already when it is no longer watched.
        if self._number is not None:
            self._loop.remove_reader(self._number)
            self._number = None
        if pollable:
            self._number = pollable.fileno()
            self._loop.add_reader(self._number, self._readable)
        self._watched = pollable


class FirstAnswer:
    """Stands before a receiver and tells of the first message that it gets."""

    def __init__(self, receiver, tell: Callable[[], None]):
        self._receiver = receiver
        self._tell: Callable[[], None] | None = tell

    def receive(self, exchange, outcome):
        if self._tell and not isinstance(outcome, Exception):
            self._tell()
            self._tell = None
        self._receiver.receive(exchange, outcome)
