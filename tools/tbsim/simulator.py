"""The local ThingsBoard in a thread of its own, driven by plain function calls."""

import asyncio
import threading
import time
from concurrent.futures import Future

from aiocoap import Message

from . import ota
from .link import Link
from .model import Device, Profile, Store
from .ota import Package
from .resources import Resources
from .server import MessageLayer, Timing
from .switches import Switches

CALL_TIMEOUT_S = 30


class RPCError(Exception):
    """A command failed: nobody listens, or no answer in time."""


class Simulator:
    """`with Simulator() as sim:` runs a server on a free loopback port, sim.port.

    All methods may be called from any thread. sim.switches, sim.link and sim.timing may be changed
    while it runs; sim.store is read after the fact. on_event(up, address, Message or None,
    datagram), if given, is called in the server's thread.
    """

    def __init__(self, host="127.0.0.1", port=0, timing=None, seed=1, on_event=None):
        self.host, self.port = host, port
        self.timing = timing or Timing()
        self.switches = Switches()
        self.link = Link()
        self.link.seed(seed)
        self.store = Store()
        self.events: list[tuple] = []  # (seconds, up, address, Message or None, datagram)
        self.on_event = on_event
        self._seed = seed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self) -> None:
        """Bind the socket and serve; OSError if the port is taken."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(CALL_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        def stop():
            layer = getattr(self, "layer", None)
            if layer and layer.transport:
                layer.forget()
                layer.transport.close()
            self._loop.call_soon(self._loop.stop)

        self._loop.call_soon_threadsafe(stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    async def _open(self) -> None:
        self.layer = MessageLayer(self._handle, self.timing, self.link, self._log, self._seed)
        self.resources = Resources(self.layer, self.store, self.switches)
        await self._loop.create_datagram_endpoint(
            lambda: self.layer, local_addr=(self.host, self.port)
        )
        self.port = self.layer.transport.get_extra_info("sockname")[1]

    def _handle(self, exchange) -> None:
        self.layer.piggyback_typed = self.switches.piggyback_typed
        self.resources.handle(exchange)

    def _log(self, up: bool, address, message: Message | None, datagram: bytes) -> None:
        self.events.append((time.monotonic(), up, address, message, datagram))
        if self.on_event:
            self.on_event(up, address, message, datagram)

    def call(self, function, *args):
        """Run a function in the server's thread and return what it returns."""
        future: Future = Future()

        def run():
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future.result(CALL_TIMEOUT_S)

    # The store

    def add_profile(self, name: str, **settings) -> Profile:
        return self.call(lambda: self.store.add_profile(name, **settings))

    def add_device(self, name: str, access_token: str | None = None, profile=None) -> Device:
        device = self.call(lambda: self.store.add_device(name, access_token, profile))
        return device

    def device(self, name: str) -> Device:
        return self.store.devices[name]

    def set_shared(self, device: Device, **values) -> None:
        self.call(lambda: self._watched(device).set_shared(values))

    def delete_shared(self, device: Device, *keys: str) -> None:
        self.call(lambda: self._watched(device).delete_shared(list(keys)))

    def _watched(self, device: Device) -> Device:
        device.watcher = self.resources
        return device

    def rpc_rule(self, method: str, function) -> None:
        """Answer client-side RPC: function(params) -> JSON value; without a rule the server is
        silent.
        """
        self.resources.rpc_rules[method] = function

    def rpc(self, device: Device, method: str, params=None, two_way=True, timeout=10.0):
        """Send a command, and wait for its reply if two_way; RPCError if nobody listens or in time
        answers.
        """
        done = threading.Event()

        def start():
            rpc = device.start_rpc(method, params, two_way, False, lambda _: done.set())
            if not self.resources.push_rpc(device, rpc):
                rpc.finish("FAILED")
            return rpc

        rpc = self.call(start)
        if not done.wait(timeout):
            self.call(rpc.finish, "TIMEOUT")
        if rpc.status in ("FAILED", "TIMEOUT"):
            raise RPCError("no active connection" if rpc.status == "FAILED" else "timeout")
        return rpc.response

    def persistent_rpc(self, device: Device, method: str, params=None, two_way=True, expires=None):
        """Leave a command with the server; watch status and history of what is returned."""

        def start():
            rpc = device.start_rpc(method, params, two_way, True, None)
            self.resources.push_rpc(device, rpc)
            if expires is not None:
                self.layer.later(expires, lambda: rpc.finish("EXPIRED"))
            return rpc

        return self.call(start)

    def assign(self, target: Device | Profile, package: Package) -> None:
        """Assign a package to a device, or to the devices of a profile that have none."""

        def carry_out():
            target.packages[package.kind] = package
            for device in self.store.devices.values():
                if device is target or (
                    device.profile is target and package.kind not in device.packages
                ):
                    ota.assign(self.store, self._watched(device), package)

        self.call(carry_out)

    def unassign(self, device: Device, kind: str = "fw") -> None:
        self.call(lambda: ota.unassign(self._watched(device), kind))

    # What happens to servers

    def restart(self) -> None:
        """Forget what a restarted server forgets: observations, transfers, duplicates, RPC ids."""

        def forget():
            self.layer.forget()
            self.resources.forget()

        self.call(forget)

    def stop_answering(self) -> None:
        """Begin an outage: nothing is heard and nothing is sent."""
        self.call(lambda: setattr(self.layer, "deaf", True))

    def answer_again(self) -> None:
        self.call(lambda: setattr(self.layer, "deaf", False))

    def close_observations(self, device: Device) -> None:
        """Close a device's observations with 2.02, as when its credentials change."""

        def close():
            for feature in ("attributes", "rpc"):
                observation = self.resources.observations.get(device, feature)
                if observation:
                    self.resources.observations.end(observation)

        self.call(close)

    def observes(self, device: Device, feature: str = "attributes") -> bool:
        """Whether the device has a live observation; feature is attributes or rpc."""
        return self.call(lambda: self.resources.observations.get(device, feature) is not None)

    def until(self, condition, timeout: float = 10.0, step: float = 0.01) -> bool:
        """Wait until condition() is true; False if it is not in time."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(step)
        return True
