"""Observations, each under a name of which there is one, with the server's losses (RFC 7641).

A CON observation has one notification in flight; while it is un-ACKed a newer one takes the place
of the one that waits, so of a fast burst only the first and the last arrive, and at times not even
the last.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from aiocoap import Message
from aiocoap.numbers.types import CON

from .blockwise import Blockwise, transfer_key
from .codec import answer
from .exchange import Exchange, Outgoing
from .messages import MessageLayer

NOTIFICATION_IDS = 65000  # notifications draw their message ids from 0..64999


@dataclass
class Notification:
    message: Message
    on_ack: Callable[[], None] | None
    replaced_another: bool = False  # as the one that waits for an ACK


class Observation:
    """A registration under a name, for an address and token, typed by the request."""

    def __init__(self, exchange: Exchange, name: Hashable):
        request = exchange.request
        self.name = name
        self.exchange = exchange  # the registration
        self.address = exchange.address
        self.token = request.token
        self.confirmable = exchange.confirmable
        self.content_format = request.opt.content_format  # as asked for, or None
        block2 = request.opt.block2
        self.szx = block2.size_exponent if block2 else None  # also of its notifications
        self.transfer_key = transfer_key(exchange)
        self.number = -1  # of the newest message; the first one has 0
        self.in_flight: Outgoing | None = None
        self.waiting: Notification | None = None  # for the ACK of the one in flight

    @property
    def answered(self) -> bool:
        return self.number >= 0

    @property
    def identity(self) -> tuple:
        return self.address, self.token


class Observations:
    """All observations of the server."""

    def __init__(self, layer: MessageLayer, blockwise: Blockwise):
        self.layer = layer
        self.blockwise = blockwise
        self.active: dict[Hashable, Observation] = {}  # name: ...
        self._of_peer: dict[tuple, list[Observation]] = {}  # the same by address
        self.dead: set[tuple] = set()  # (address, token): their registration was refused

    def forget(self) -> None:
        """A restart of the server."""
        self.active.clear()
        self._of_peer.clear()
        self.dead.clear()

    def get(self, name: Hashable) -> Observation | None:
        return self.active.get(name)

    def of_peer(self, address: tuple, token: bytes | None = None) -> list[Observation]:
        """Return the active observations of an address, or those with that token."""
        of_peer = self._of_peer.get(address, ())
        return [o for o in of_peer if token is None or o.token == token]

    def register(self, exchange: Exchange, name: Hashable) -> Observation | None:
        """Make the request's observation the active one; None if it will never be answered."""
        new = Observation(exchange, name)
        if new.identity in self.dead:
            return None
        old = self.active.get(name)
        if old and old.identity != new.identity:
            self.end(old)
        elif old and old.in_flight:
            old.in_flight.close()
        if name in self.active:
            self._remove(old)
        self.active[name] = new
        self._of_peer.setdefault(new.address, []).append(new)
        return new

    def refuse(self, exchange: Exchange) -> None:
        """Never answer a registration with this token again."""
        self.dead.add((exchange.address, exchange.request.token))

    def answer(self, observation: Observation, response: Message, typed: bool) -> None:
        """Send the answer to a registration, as a notification if a change overtook it."""
        if observation.answered:
            self.notify(observation, response)
        else:
            observation.number = 0
            response.opt.observe = 0
            response = self.blockwise.first(observation.transfer_key, response, observation.szx)
            observation.exchange.respond(response, typed)

    def end(self, old: Observation) -> None:
        """Close an observation with 2.02 and Observe 0 on its own token, as for a replaced one."""
        self.drop(old)
        if self.layer.switches.tell_replaced:
            self._tell_end(old, answer("2.02", observe=0))

    def cancelled(self, old: Observation) -> None:
        """Close an observation with 2.02 and no Observe, as Californium does by itself."""
        self.drop(old)
        self._tell_end(old, answer("2.02"))

    def _tell_end(self, old: Observation, message: Message) -> None:
        message.token = old.token
        if old.confirmable:
            self.layer.send_con(old.address, message)
        else:
            self.layer.send_non(old.address, message)

    def drop(self, old: Observation) -> None:
        """Close an observation without a word."""
        if self.active.get(old.name) is old:
            self._remove(old)
        if old.in_flight:
            old.in_flight.close()

    def _remove(self, old: Observation) -> None:
        of_peer = self._of_peer[old.address]
        of_peer.remove(old)
        if not of_peer:
            del self._of_peer[old.address]
        del self.active[old.name]

    def drop_peer(self, address: tuple) -> None:
        """A CON notification was lost for good: the peer's observations all go, silently."""
        for old in self.of_peer(address):
            self.drop(old)

    def cancel(self, address: tuple, token: bytes) -> None:
        for old in self.of_peer(address, token):
            self.drop(old)

    def notify(
        self,
        observation: Observation,
        message: Message,
        on_ack: Callable[[], None] | None = None,
    ) -> None:
        """Send a notification, or let it wait for its turn and perhaps be replaced. Before the
        answer to the registration it goes out in the place of that.

        on_ack is called when it was ACKed; of a NON at once, of a replaced one never.
        """
        overtakes = not observation.answered
        observation.number += 1
        message.opt.observe = observation.number
        message = self.blockwise.first(observation.transfer_key, message, observation.szx)
        message.token = observation.token
        notification = Notification(message, on_ack)
        if not observation.confirmable:
            self.layer.send_non(observation.address, message, self._mid())
            if on_ack:
                on_ack()
        elif self._must_wait(observation):
            notification.replaced_another = observation.waiting is not None
            observation.waiting = notification
        else:
            self._send(observation, notification)
        if overtakes:
            observation.exchange.answered_by(observation.in_flight)

    def _must_wait(self, observation: Observation) -> bool:
        in_flight = observation.in_flight
        return bool(in_flight and in_flight.open and self.layer.switches.replace_burst)

    def _withheld(self, newest: Notification) -> bool:
        # Seen in bursts only: Californium may miss what begins to wait while it takes an ACK.
        chance = self.layer.switches.withheld
        return newest.replaced_another and self.layer.random.random() < chance

    def _mid(self) -> int:
        return self.layer.random.randrange(NOTIFICATION_IDS)

    def _send(self, observation: Observation, notification: Notification) -> None:
        def acked():
            if notification.on_ack:
                notification.on_ack()
            observation.in_flight = None
            newest, observation.waiting = observation.waiting, None
            if newest and not self._withheld(newest):
                self._send(observation, newest)

        def renew():
            # At a repetition the newest content goes out in place of the un-ACKed one.
            nonlocal notification
            if not observation.waiting:
                return None
            notification, observation.waiting = observation.waiting, None
            message = notification.message
            message.mtype, message.mid = CON, self._mid()
            return message

        observation.in_flight = self.layer.send_con(
            observation.address,
            notification.message,
            on_ack=acked,
            on_reset=lambda: self.drop(observation),
            on_give_up=lambda: self.drop_peer(observation.address),
            renew=renew,
            mid=self._mid(),
        )
