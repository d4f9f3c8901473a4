"""The message layer as Californium runs it under ThingsBoard.

It departs from RFC 7252 where ThingsBoard does: a typed response to a CON is a CON of its own
without any ACK, and duplicates are known by address and message id alone.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiocoap
from aiocoap import Code, Message
from aiocoap.numbers.types import ACK, CON, NON, RST

from .link import Link

MAX_DATAGRAM = 2048  # larger ones are dropped without a word
SWEEP = 4096  # forget expired exchanges each time so many are kept
# Critical options that the server knows; any other is answered by 4.02.
CRITICAL = {1, 3, 5, 7, 11, 15, 17, 23, 27, 35, 39}


@dataclass
class Timing:
    """Seconds, as configured in ThingsBoard and Californium; tests shorten them."""

    piggyback: float = 0.5  # COAP_PIGGYBACK_TIMEOUT
    ack_timeout: float = 2.0
    max_retransmit: int = 4
    exchange_lifetime: float = 247.0
    non_lifetime: float = 145.0
    core: float = 10.0  # COAP_TIMEOUT: how long a read or a client-side RPC waits for the core
    rpc_ack: float = 10.0  # a command un-ACKed for so long is TIMEOUT


class Exchange:
    """One request from a device and what was sent for it."""

    def __init__(self, server: "MessageLayer", address, request: Message):
        self.server = server
        self.address = address
        self.request = request
        self.acknowledged = False  # we sent an empty ACK
        self.response: Message | None = None
        self.pending: Outgoing | None = None  # our CON response while un-ACKed
        life = server.timing.exchange_lifetime if self.confirmable else server.timing.non_lifetime
        self.expires = server.now() + life
        self.timer = None
        if self.confirmable:
            self.timer = server.later(server.timing.piggyback, self.acknowledge)

    @property
    def confirmable(self) -> bool:
        return self.request.mtype is CON

    def acknowledge(self) -> None:
        """Send the empty ACK, unless a response stands for it."""
        if self.confirmable and not (self.response or self.acknowledged):
            self.acknowledged = True
            self.server.send_empty(self.address, ACK, self.request.mid)

    def respond(self, response: Message, typed: bool = True) -> None:
        """Send the response; typed ones take the request's message type."""
        if self.response:
            return
        self.response = response
        if self.timer:
            self.timer.cancel()
        response.token = self.request.token
        if not self.confirmable:
            if self.request.opt.no_response == 2 and response.code.is_successful():
                return
            self.server.stamp(response, NON)
            self.server.transmit(self.address, response)
        elif self.acknowledged or typed and not self.server.piggyback_typed:
            self.pending = self.server.send_con(self.address, response)
        else:
            response.mtype, response.mid = ACK, self.request.mid
            self.server.transmit(self.address, response)

    def repeat(self) -> None:
        """The same message id came again, whatever else is in that message."""
        response = self.response
        if response is None:
            if self.acknowledged:
                self.server.send_empty(self.address, ACK, self.request.mid)
        elif response.mtype is CON:
            self.server.send_empty(self.address, ACK, self.request.mid)
            if self.pending and self.pending.open:
                self.server.transmit(self.address, response)
        elif response.mtype is not None:
            self.server.transmit(self.address, response)


class Outgoing:
    """A CON of ours until it is ACKed, reset or given up."""

    def __init__(self, server, address, message, on_ack, on_reset, on_give_up):
        self.server, self.address, self.message = server, address, message
        self.on_ack, self.on_reset, self.on_give_up = on_ack, on_reset, on_give_up
        self.renew: Callable[[], Message | None] | None = None  # newer content for a repetition
        self.open = True
        self.tries = 0
        self.timeout = server.timing.ack_timeout * (1 + server.random.random() / 2)
        self.send()

    def send(self) -> None:
        self.server.outgoing[self.address, self.message.mid] = self
        self.server.transmit(self.address, self.message)
        self.timer = self.server.later(self.timeout, self.expire)

    def expire(self) -> None:
        if not self.open:
            return
        if self.tries == self.server.timing.max_retransmit:
            self.close(self.on_give_up)
            return
        self.tries += 1
        self.timeout *= 2
        newer = self.renew and self.renew()
        if newer:
            self.server.outgoing.pop((self.address, self.message.mid), None)
            self.message = newer
        self.send()

    def close(self, then: Callable[[], None] | None = None) -> None:
        if self.open:
            self.open = False
            self.timer.cancel()
            self.server.outgoing.pop((self.address, self.message.mid), None)
            if then:
                then()


class MessageLayer(asyncio.DatagramProtocol):
    """A UDP endpoint. `handle(exchange)` is called with each new request."""

    def __init__(self, handle, timing: Timing, link: Link, log, seed: int = 1):
        self.handle = handle
        self.timing = timing
        self.link = link
        self.log = log  # log(up, address, Message or None, datagram)
        self.random = random.Random(seed)
        self.piggyback_typed = False  # PR #15174: typed responses are piggybacked as well
        self.deaf = False  # an outage: nothing in, nothing out
        self.exchanges: dict = {}  # (address, message id): Exchange
        self.outgoing: dict = {}  # (address, message id): Outgoing
        self.mid = self.random.randrange(1 << 16)
        self.transport: asyncio.DatagramTransport | None = None

    def now(self) -> float:
        return time.monotonic()

    def later(self, seconds: float, call):
        return asyncio.get_running_loop().call_later(seconds, call)

    def forget(self) -> None:
        """A restart of the server."""
        for outgoing in list(self.outgoing.values()):
            outgoing.close()
        for exchange in self.exchanges.values():
            exchange.response = exchange.response or Message(code=Code.EMPTY)
            if exchange.timer:
                exchange.timer.cancel()
        self.exchanges.clear()
        self.mid = self.random.randrange(1 << 16)

    # Out

    def stamp(self, message: Message, kind, mid: int | None = None) -> None:
        if mid is None:
            self.mid = (self.mid + 1) & 0xFFFF
            mid = self.mid
        message.mtype, message.mid = kind, mid

    def send_con(
        self, address, message, on_ack=None, on_reset=None, on_give_up=None, mid=None
    ) -> Outgoing:
        self.stamp(message, CON, mid)
        return Outgoing(self, address, message, on_ack, on_reset, on_give_up)

    def send_empty(self, address, kind, mid: int) -> None:
        self.transmit(address, Message(code=Code.EMPTY, _mtype=kind, _mid=mid))

    def transmit(self, address, message: Message) -> None:
        datagram = message.encode()
        if self.deaf or self.transport is None:
            return
        self.log(False, address, message, datagram)

        def deliver():
            if self.transport and not self.transport.is_closing():
                self.transport.sendto(datagram, address)

        self.link.carry(False, deliver, self.later)

    # In

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address) -> None:
        self.link.carry(True, lambda: self.receive(data, address), self.later)

    def receive(self, data: bytes, address) -> None:
        if self.deaf or len(data) > MAX_DATAGRAM:
            return
        message = decode(data)
        self.log(True, address, message, data)
        if message is None:
            return
        if message.mtype in (ACK, RST):
            outgoing = self.outgoing.get((address, message.mid))
            if outgoing:
                outgoing.close(outgoing.on_ack if message.mtype is ACK else outgoing.on_reset)
        elif message.code is Code.EMPTY:
            if message.mtype is CON:
                self.send_empty(address, RST, message.mid)
        elif message.code.is_request():
            self.receive_request(address, message)
        elif message.mtype is CON:
            self.send_empty(address, RST, message.mid)

    def receive_request(self, address, message: Message) -> None:
        known = self.exchanges.get((address, message.mid))
        if known and known.expires > self.now():
            known.repeat()
            return
        exchange = Exchange(self, address, message)
        self.exchanges[address, message.mid] = exchange
        if len(self.exchanges) % SWEEP == 0:
            now = self.now()
            self.exchanges = {k: e for k, e in self.exchanges.items() if e.expires > now}
        unknown = [int(o.number) for o in message.opt.option_list() if int(o.number) & 1]
        unknown = [n for n in unknown if n not in CRITICAL]
        if unknown:
            text = f"Unknown critical option {unknown[0]}".encode()
            exchange.respond(Message(code=Code.BAD_OPTION, payload=text), typed=False)
        else:
            self.handle(exchange)


def decode(data: bytes) -> Message | None:
    """Return the message of a datagram, or None. aiocoap's codec takes some that RFC 7252 section
    3 forbids.
    """
    if len(data) < 4 or data[0] & 15 > 8 or data[-1] == 0xFF and len(data) == 5 + (data[0] & 15):
        return None
    try:
        message = Message.decode(data)
    except (aiocoap.error.UnparsableMessage, ValueError, IndexError):
        return None
    if message.code is Code.EMPTY and len(data) > 4:
        return None
    return message
