"""One request from a device with what was sent for it, and one CON of ours until it is ACKed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiocoap import Code, Message
from aiocoap.numbers.types import ACK, CON, RST

from .codec import answer

if TYPE_CHECKING:
    from .messages import MessageLayer


class Exchange:
    """One request from a device and what was sent for it.

    A CON request gets an empty ACK when the piggyback time is over and nothing was sent.
    """

    def __init__(self, layer: "MessageLayer", address: tuple, request: Message):
        self.layer = layer
        self.address = address
        self.request = request
        self.acknowledged = False  # we sent an empty ACK
        self.response: Message | None = None
        self.pending: Outgoing | None = None  # our CON response while un-ACKed
        timing = layer.timing
        life = timing.exchange_lifetime if self.confirmable else timing.non_lifetime
        self.expires = layer.now() + life
        self.timer = None
        if self.confirmable:
            self.timer = layer.later(timing.piggyback, self.acknowledge)

    @property
    def confirmable(self) -> bool:
        return self.request.mtype is CON

    @property
    def path(self) -> tuple[str, ...]:
        """The segments of Uri-Path; a single option with slashes in it counts as several."""
        path = self.request.opt.uri_path
        if len(path) == 1 and "/" in path[0]:
            return tuple(segment for segment in path[0].split("/") if segment)
        return path

    def acknowledge(self) -> None:
        """Send the empty ACK, unless a response stands for it."""
        if self.confirmable and not (self.response or self.acknowledged):
            self.acknowledged = True
            self.layer.send_empty(self.address, ACK, self.request.mid)

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
            self.layer.send_non(self.address, response)
        elif self.acknowledged or typed and not self.layer.switches.piggyback_typed:
            self.pending = self.layer.send_con(self.address, response)
        else:
            response.mtype, response.mid = ACK, self.request.mid
            self.layer.transmit(self.address, response)

    def refuse(self, code: str) -> None:
        """Answer with an error code and nothing else; the server's errors are untyped."""
        self.respond(answer(code), typed=False)

    def reset(self) -> None:
        """Reject the request with a Reset, and send nothing else."""
        self.layer.send_empty(self.address, RST, self.request.mid)
        self.forget()

    def repeat(self) -> None:
        """The same message id came again, whatever else is in that message."""
        response = self.response
        if response is None:
            if self.acknowledged:
                self.layer.send_empty(self.address, ACK, self.request.mid)
        elif response.mtype is CON:
            self.layer.send_empty(self.address, ACK, self.request.mid)
            if self.pending and self.pending.open:
                self.layer.transmit(self.address, response)
        elif response.mtype is not None:
            self.layer.transmit(self.address, response)

    def forget(self) -> None:
        """Send nothing any more, whatever the back end still says."""
        self.response = self.response or Message(code=Code.EMPTY)
        if self.timer:
            self.timer.cancel()


class Outgoing:
    """A CON of ours until it is ACKed, reset or given up; one of the three functions is called.

    renew() may return a message that takes the place of this one when it is to be repeated.
    """

    def __init__(
        self,
        layer: "MessageLayer",
        address: tuple,
        message: Message,
        on_ack: Callable[[], None] | None,
        on_reset: Callable[[], None] | None,
        on_give_up: Callable[[], None] | None,
        renew: Callable[[], Message | None] | None,
    ):
        self.layer, self.address, self.message = layer, address, message
        self.on_ack, self.on_reset, self.on_give_up = on_ack, on_reset, on_give_up
        self.renew = renew
        self.open = True
        self.tries = 0
        self.timeout = layer.timing.ack_timeout * (1 + layer.random.random() / 2)
        self._send()

    def acked(self) -> None:
        self._end(self.on_ack)

    def was_reset(self) -> None:
        self._end(self.on_reset)

    def close(self) -> None:
        """Stop repeating; none of the functions is called."""
        self._end(None)

    def _send(self) -> None:
        self.layer.outgoing[self.address, self.message.mid] = self
        self.layer.transmit(self.address, self.message)
        self.timer = self.layer.later(self.timeout, self._expire)

    def _expire(self) -> None:
        if not self.open:
            return
        if self.tries == self.layer.timing.max_retransmit:
            self._end(self.on_give_up)
            return
        self.tries += 1
        self.timeout *= 2
        newer = self.renew and self.renew()
        if newer:
            self.layer.outgoing.pop((self.address, self.message.mid), None)
            self.message = newer
        self._send()

    def _end(self, then: Callable[[], None] | None) -> None:
        if not self.open:
            return
        self.open = False
        self.timer.cancel()
        self.layer.outgoing.pop((self.address, self.message.mid), None)
        if then:
            then()
