"""Observations: one for attributes and one for RPC per device, with the server's losses.

A CON observation has one notification in flight; while it is un-ACKed a newer one takes the place
of the one that waits, so of a fast burst only the first and the last arrive.
"""

from aiocoap import Message
from aiocoap.numbers.types import CON, NON

from .blockwise import Blockwise, answer

NOTIFICATION_IDS = 65000  # notifications draw their message ids from 0..64999


class Observation:
    """A registration: device and feature, for an address and token, typed by the request."""

    def __init__(self, exchange, device, feature: str):
        request = exchange.request
        self.device = device
        self.feature = feature  # "attributes" or "rpc"
        self.address = exchange.address
        self.token = request.token
        self.confirmable = exchange.confirmable
        self.content_format = request.opt.content_format  # as asked for, or None
        self.block2 = request.opt.block2
        self.uri = (request.opt.uri_path, request.opt.uri_query)
        self.answered = False  # the first answer was sent
        self.number = 0
        self.in_flight = None
        self.waiting: tuple | None = None  # (message, on_ack)

    @property
    def identity(self):
        return self.address, self.token


class Observations:
    """All observations of the server. `replace_burst` and `tell_replaced` are the simulator's
    switches.
    """

    def __init__(self, layer, blockwise: Blockwise, switches):
        self.layer = layer
        self.blockwise = blockwise
        self.switches = switches
        self.active: dict = {}  # (device name, feature): Observation
        self.dead: set = set()  # (address, token): registered again before the first answer

    def get(self, device, feature: str) -> Observation | None:
        return self.active.get((device.name, feature))

    def register(self, exchange, device, feature: str) -> Observation | None:
        """Make the request's observation the active one; None if it will never be answered."""
        key = device.name, feature
        new = Observation(exchange, device, feature)
        old = self.active.get(key)
        if new.identity in self.dead or old and old.identity == new.identity and not old.answered:
            self.dead.add(new.identity)
            self.active.pop(key, None)
            return None
        if old and old.identity != new.identity:
            self.end(old)
        elif old and old.in_flight:
            old.in_flight.close()
        self.active[key] = new
        return new

    def end(self, old: Observation) -> None:
        """Close an observation with 2.02 and Observe 0 on its own token, as for a replaced one."""
        self.drop(old)
        if self.switches.tell_replaced:
            message = answer("2.02", observe=0)
            message.token = old.token
            if old.confirmable:
                self.layer.send_con(old.address, message)
            else:
                self.layer.stamp(message, NON)
                self.layer.transmit(old.address, message)

    def drop(self, old: Observation) -> None:
        if self.active.get((old.device.name, old.feature)) is old:
            del self.active[old.device.name, old.feature]
        if old.in_flight:
            old.in_flight.close()

    def drop_peer(self, address) -> None:
        """A CON notification was lost for good: the peer's observations all go, silently."""
        for old in [o for o in self.active.values() if o.address == address]:
            self.drop(old)

    def cancel(self, address, token) -> None:
        for old in [o for o in self.active.values() if o.identity == (address, token)]:
            self.drop(old)

    def notify(self, observation: Observation, message: Message, on_ack=None) -> None:
        """Send a notification, or let it wait for its turn and perhaps be replaced."""
        observation.number += 1
        message.opt.observe = observation.number
        message.token = observation.token
        key = (observation.address, "GET", observation.uri)
        message = self.blockwise.first(key, message, observation.block2)
        message.token = observation.token
        if not observation.confirmable:
            self.layer.stamp(message, NON, self._mid())
            self.layer.transmit(observation.address, message)
            if on_ack:
                on_ack()
        elif observation.in_flight and observation.in_flight.open and self.switches.replace_burst:
            observation.waiting = (message, on_ack)
        else:
            self._send(observation, message, on_ack)

    def _mid(self) -> int:
        return self.layer.random.randrange(NOTIFICATION_IDS)

    def _send(self, observation: Observation, message: Message, on_ack) -> None:
        holder = {"on_ack": on_ack}

        def acked():
            if holder["on_ack"]:
                holder["on_ack"]()
            observation.in_flight = None
            if observation.waiting:
                newer, newer_on_ack = observation.waiting
                observation.waiting = None
                self._send(observation, newer, newer_on_ack)

        def newer():
            # At a repetition the newest content goes out in place of the un-ACKed one.
            if not observation.waiting:
                return None
            newest, holder["on_ack"] = observation.waiting
            observation.waiting = None
            self.layer.stamp(newest, CON, self._mid())
            return newest

        observation.in_flight = self.layer.send_con(
            observation.address,
            message,
            on_ack=acked,
            on_reset=lambda: self.drop(observation),
            on_give_up=lambda: self.drop_peer(observation.address),
            mid=self._mid(),
        )
        observation.in_flight.renew = newer
