"""What goes to a device without a request: notifications of its shared attributes, and commands.

Both go through an observation of the device, a poll after they were made, and wait while the
device sleeps.
"""

from collections.abc import Callable

from aiocoap import Message

from ..model.devices import Device
from ..model.errors import ServerFault
from ..model.rpc import RPC
from ..model.store import Store
from ..model.values import in_hash_order
from ..wire.blockwise import Blockwise
from ..wire.codec import answer
from ..wire.exchange import Exchange
from ..wire.messages import MessageLayer
from ..wire.observe import Observation, Observations
from .backend import Backend
from .formats import in_format_of
from .sleep import Sleep

FEATURES = ("attributes", "rpc")  # a device has one observation of each


class Downlink:
    """Towards all devices."""

    def __init__(self, layer: MessageLayer, store: Store, blockwise: Blockwise, backend: Backend):
        self.layer = layer
        self.store = store
        self.backend = backend
        self.observations = Observations(layer, blockwise)
        self.sleep = Sleep(lambda: store.clock_ms() / 1000)

    def forget(self) -> None:
        """A restart of the server."""
        self.observations.forget()
        self.sleep.forget()

    # Observations

    def observation(self, device: Device, feature: str) -> Observation | None:
        return self.observations.get((device.id, feature))

    def arrived(self, exchange: Exchange) -> None:
        """A registration came in: one with the token of a live observation may end that."""
        for old in self.observations.of_peer(exchange.address, exchange.request.token):
            if old.answered:
                rpc = old.name[1] == "rpc"
                if rpc or self.layer.random.random() < self.layer.switches.told_again:
                    self.observations.cancelled(old)

    def subscribe(self, exchange: Exchange, device: Device, feature: str) -> None:
        """Register the request's observation and answer it; a registration may stay unanswered.

        The full state of attributes takes one more poll. A change meanwhile goes out before it.
        """
        observation = self.observations.register(exchange, (device.id, feature))
        if not observation:
            return
        if feature == "attributes":
            self.backend.answer(1, lambda: self._answer_with_state(device, observation))
        else:
            self.observations.answer(observation, answer("2.03"), typed=True)
            self.send_waiting(device)

    def _answer_with_state(self, device: Device, observation: Observation) -> None:
        if self.observations.get(observation.name) is observation:
            state = self.state(device, observation.content_format)
            self.observations.answer(observation, state, typed=False)

    def state(self, device: Device, content_format: int | None) -> Message:
        """Return all shared attributes, as a registration is answered."""
        attributes = in_hash_order(device.shared_attributes)
        state = device.profile.payloads.change(attributes, [], self.store.clock_ms())
        return in_format_of(device, state, content_format)

    def unsubscribe(self, exchange: Exchange) -> None:
        self.observations.cancel(exchange.address, exchange.request.token)

    def close(self, device: Device) -> None:
        """Close the device's observations with 2.02, as when its credentials change."""
        for feature in FEATURES:
            observation = self.observation(device, feature)
            if observation:
                self.observations.end(observation)

    # Power saving

    def heard(self, device: Device) -> None:
        """A request or an ACK came: what was held back goes out, ahead of the answer."""
        device.heard_ms = self.store.clock_ms()
        slept = self.sleep.sleeps(device)
        self.sleep.heard(device)
        if not slept:
            return
        change = self.sleep.release(device)
        observation = self.observation(device, "attributes")
        if change and observation:
            self._notify(device, observation, change.updated, change.deleted)
        self.send_waiting(device)

    # Attributes

    def attributes_changed(self, device: Device, updated: dict, deleted: list[str]) -> None:
        """Tell a device that observes its shared attributes, or keep it for its next request."""
        self.backend.push(lambda: self._changed(device, updated, deleted))

    def _changed(self, device: Device, updated: dict, deleted: list[str]) -> None:
        observation = self.observation(device, "attributes")
        if not observation:
            return
        if self.sleep.sleeps(device):
            self.sleep.hold(device, updated, deleted)
        else:
            self._notify(device, observation, updated, deleted)

    def _notify(
        self, device: Device, observation: Observation, updated: dict, deleted: list[str]
    ) -> None:
        payload = device.profile.payloads.change(updated, deleted, self.store.clock_ms())
        self.sleep.reached(device)
        message = in_format_of(device, payload, observation.content_format)
        self._notify_and_hear(device, observation, message)

    def _notify_and_hear(
        self,
        device: Device,
        observation: Observation,
        message: Message,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Send a notification. Its ACK is a sign of life; then() is called with it, of a NON at
        once.
        """

        def acknowledged():
            then()
            if observation.confirmable:
                self.heard(device)

        self.observations.notify(observation, message, acknowledged)

    # Commands

    def send_waiting(self, device: Device) -> None:
        """Send the commands that the device did not get."""
        for rpc in list(device.rpcs.values()):
            if rpc.to_be_sent:
                self.send(device, rpc)

    def send(self, device: Device, rpc: RPC) -> bool:
        """Send a command, or leave it for a device that sleeps; False if nobody listens."""
        if not self.observation(device, "rpc"):
            return False
        self.backend.push(lambda: self._send(device, rpc))
        return True

    def _send(self, device: Device, rpc: RPC) -> None:
        observation = self.observation(device, "rpc")
        if rpc.done or not observation or self.sleep.sleeps(device):
            return
        try:
            command = device.profile.payloads.command(rpc)
        except ServerFault:
            self.observations.cancelled(observation)
            rpc.finish("FAILED")
            return
        self.sleep.reached(device)
        rpc.sent()
        if observation.confirmable:
            self.layer.later(self.layer.timing.rpc_ack, rpc.not_acknowledged)
        message = in_format_of(device, command, observation.content_format)
        self._notify_and_hear(device, observation, message, rpc.acknowledged)
        if not rpc.two_way and not rpc.persistent:
            rpc.finish("DELIVERED")
