"""The message layer as Californium runs it under ThingsBoard.

It departs from RFC 7252 where ThingsBoard does: a typed response to a CON is a CON of its own
without any ACK, and duplicates are known by address and message id alone.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiocoap import Code, Message
from aiocoap.numbers.types import ACK, CON, NON, RST

from ..switches import Switches, Timing
from .codec import answer, complaint, decode
from .exchange import Exchange, Outgoing
from .link import Link

if TYPE_CHECKING:
    from .secure import SecureEndpoint

MAX_DATAGRAM = 2048  # larger ones are dropped without a word
SWEEP = 4096  # forget expired exchanges each time so many are kept
CON_OF_VERSION_1 = 4  # the first four bits of a datagram
FIRST_RESPONSE_CODE = 32
# Critical options that the server knows; any other is answered by 4.02.
CRITICAL = {1, 3, 5, 7, 11, 15, 17, 23, 27, 35, 39}


class MessageLayer(asyncio.DatagramProtocol):
    """A UDP endpoint. `handle(exchange)` is called with each new request, and
    `log(up, address, message, datagram)` with each datagram, whose message is None if malformed.
    secure: the endpoint for DTLS, if there is one; its clients are told apart by their address.
    """

    def __init__(
        self,
        handle: Callable[[Exchange], None],
        log: Callable[[bool, tuple, Message | None, bytes], None],
        switches: Switches,
        timing: Timing,
        link: Link,
        seed: int = 1,
    ):
        self.handle = handle
        self.log = log
        self.switches = switches
        self.timing = timing
        self.link = link
        self.random = random.Random(seed)
        self.deaf = False  # an outage: nothing in, nothing out
        self.exchanges: dict[tuple, Exchange] = {}  # (address, message id): ...
        self.outgoing: dict[tuple, Outgoing] = {}  # (address, message id): ...
        self.mid = self.random.randrange(1 << 16)
        self.transport: asyncio.DatagramTransport | None = None
        self.secure: SecureEndpoint | None = None

    def now(self) -> float:
        return time.monotonic()

    def later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, call)

    def forget(self) -> None:
        """A restart of the server."""
        for outgoing in list(self.outgoing.values()):
            outgoing.close()
        for exchange in self.exchanges.values():
            exchange.forget()
        self.exchanges.clear()
        if self.secure:
            self.secure.forget()
        self.mid = self.random.randrange(1 << 16)

    # Out. Without a message id of the caller's the next one is taken.

    def send_con(
        self,
        address: tuple,
        message: Message,
        on_ack: Callable[[], None] | None = None,
        on_reset: Callable[[], None] | None = None,
        on_give_up: Callable[[], None] | None = None,
        renew: Callable[[], Message | None] | None = None,
        mid: int | None = None,
    ) -> Outgoing:
        message.mtype, message.mid = CON, self._next_mid() if mid is None else mid
        return Outgoing(self, address, message, on_ack, on_reset, on_give_up, renew)

    def send_non(self, address: tuple, message: Message, mid: int | None = None) -> None:
        message.mtype, message.mid = NON, self._next_mid() if mid is None else mid
        self.transmit(address, message)

    def send_empty(self, address: tuple, message_type, mid: int) -> None:
        self.transmit(address, Message(code=Code.EMPTY, _mtype=message_type, _mid=mid))

    def transmit(self, address: tuple, message: Message) -> None:
        """Put a message on the link as it is."""
        datagram = message.encode()
        if self.deaf or self.transport is None:
            return
        self.log(False, address, message, datagram)
        if self.secure and self.secure.send(datagram, address):
            return

        def deliver():
            device = self.link.nat.inward(address)
            if device and self.transport and not self.transport.is_closing():
                self.transport.sendto(datagram, device)

        self.link.carry(False, len(datagram), deliver, self.later)

    def _next_mid(self) -> int:
        self.mid = (self.mid + 1) & 0xFFFF
        return self.mid

    # In

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple) -> None:
        seen = self.link.nat.outward(address)
        self.link.carry(True, len(data), lambda: self.receive(data, seen), self.later)

    def receive(self, data: bytes, address: tuple) -> None:
        """Take what came from a client."""
        if self.deaf or len(data) > MAX_DATAGRAM:
            return
        message = decode(data)
        self.log(True, address, message, data)
        if message is None:
            self._refuse_malformed(data, address)
        elif message.mtype in (ACK, RST):
            outgoing = self.outgoing.get((address, message.mid))
            if outgoing and message.mtype is ACK:
                outgoing.acked()
            elif outgoing:
                outgoing.was_reset()
        elif message.code.is_request():
            self._receive_request(address, message)
        elif message.mtype is CON or message.code is Code.EMPTY:
            # A ping, an empty NON, or a response that nobody asked for.
            self.send_empty(address, RST, message.mid)

    def _refuse_malformed(self, data: bytes, address: tuple) -> None:
        """Answer a CON request whose options are broken; any other such datagram gets nothing."""
        version_and_type, tkl = (data[0] >> 4, data[0] & 15) if len(data) >= 4 else (0, 0)
        text = complaint(data) if version_and_type == CON_OF_VERSION_1 and tkl <= 8 else None
        if text and 0 < data[1] < FIRST_RESPONSE_CODE:
            response = answer("4.02", text.encode())
            response.mtype, response.mid = ACK, int.from_bytes(data[2:4], "big")
            response.token = data[4 : 4 + tkl]
            self.transmit(address, response)

    def _receive_request(self, address: tuple, request: Message) -> None:
        known = self.exchanges.get((address, request.mid))
        if known and known.expires > self.now():
            known.repeat()
            return
        exchange = Exchange(self, address, request)
        self.exchanges[address, request.mid] = exchange
        if len(self.exchanges) % SWEEP == 0:
            now = self.now()
            self.exchanges = {k: e for k, e in self.exchanges.items() if e.expires > now}
        numbers = [int(option.number) for option in request.opt.option_list()]
        unknown = [number for number in numbers if number & 1 and number not in CRITICAL]
        if unknown:
            text = f"Unknown critical option {unknown[0]} is not supported!".encode()
            exchange.respond(answer("4.02", text), typed=False)
        else:
            self.handle(exchange)
