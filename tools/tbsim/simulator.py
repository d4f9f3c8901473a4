"""The simulator: a local ThingsBoard in a thread of its own, driven by plain function calls.

Threads. Everything below runs in one thread, the server's, which turns an asyncio loop: datagrams,
timers, the API, the store, rules for client-side RPC and subscribers of events. Nothing else may
touch a message, an observation or a transfer. The public methods of Simulator may be called from
any other thread and do their work in the server's, by `call`; they must not be called in it (in a
rule or a subscriber), where they would wait for themselves. From other threads devices, packages
and events are read without a lock, and single values of switches, timing, link and store are
written: each is one step of the interpreter.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET

from aiocoap import Message

from .api.resources import Resources
from .events import Event, Events
from .model import packages
from .model.devices import Device, Profile
from .model.packages import Package
from .model.rpc import RPC
from .model.store import Store
from .model.values import parse_values
from .switches import Switches, Timing
from .wire.exchange import Exchange
from .wire.link import Link
from .wire.messages import MessageLayer
from .wire.secure import SecureEndpoint

CALL_TIMEOUT_S = 30
RECEIVE_BYTES = 4 << 20  # that wait in the socket


class RPCError(Exception):
    """A command failed: nobody listens, or no answer in time."""


class Simulator:
    """`with Simulator() as sim:` runs a server on a free loopback port, sim.port. It is as slow as
    the real one, and leaves the same things to chance; at_once: neither, for a test of something
    else. clock returns the server's seconds since 1970 and may jump: devices have then slept so
    much longer, and what waits for an answer waits in the host's time.

    sim.switches, sim.link and sim.timing may be changed while it runs. sim.events is the record of
    all datagrams, sim.store the server's data.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        timing: Timing | None = None,
        seed: int = 1,
        at_once: bool = False,
        clock: Callable[[], float] = time.time,
    ):
        self.host, self.port = host, port
        self.timing = timing or Timing()
        self.switches = Switches()
        if at_once:
            self.timing.poll = self.timing.start_least = self.timing.start_most = 0.0
            self.switches.leave_nothing_to_chance()
        self.link = Link()
        self.link.seed(seed)
        self.events = Events()
        self.store = Store(clock)
        self.layer = MessageLayer(
            self._handle, self._record, self.switches, self.timing, self.link, seed
        )
        self.resources = Resources(self.layer, self.store, self.switches)
        self.downlink = self.resources.downlink
        self.store.on_shared_change = self.downlink.attributes_changed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def secure(self, certificate: Path, key: Path, port: int = 0) -> None:
        """Serve over DTLS as well, on sim.secure_port; both are PEM files. OSError as start()."""
        self.layer.secure = SecureEndpoint(self.layer, certificate, key)
        opened = self._bind(self.layer.secure, port)
        asyncio.run_coroutine_threadsafe(opened, self._loop).result(CALL_TIMEOUT_S)
        self.secure_port = self.layer.secure.transport.get_extra_info("sockname")[1]

    def start(self) -> None:
        """Bind the socket and serve; OSError if the port is taken."""
        self._thread.start()
        try:
            opened = self._bind(self.layer, self.port)
            asyncio.run_coroutine_threadsafe(opened, self._loop).result(CALL_TIMEOUT_S)
        except BaseException:
            self.close()
            raise
        self.port = self.layer.transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Stop serving and end the server's thread."""

        def stop():
            if self.layer.transport:
                self.layer.forget()
                self.layer.transport.close()
            if self.layer.secure and self.layer.secure.transport:
                self.layer.secure.transport.close()
            self._loop.call_soon(self._loop.stop)

        self._loop.call_soon_threadsafe(stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    async def _bind(self, protocol: asyncio.DatagramProtocol, port: int) -> None:
        address = self.host, port
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: protocol, local_addr=address
        )
        # A thousand devices may speak at once. Linux gives less if its own limit is lower.
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES)

    def _handle(self, exchange: Exchange) -> None:
        self.resources.handle(exchange)

    def _record(self, up: bool, address: tuple, message: Message | None, datagram: bytes) -> None:
        self.events.record(Event(time.monotonic(), up, address, message, datagram))

    def submit(self, function: Callable, *args) -> Future:
        """Have a function run in the server's thread; the future has what it returns."""
        future: Future = Future()

        def run():
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future

    def call(self, function: Callable, *args):
        """Run a function in the server's thread and return what it returns."""
        return self.submit(function, *args).result(CALL_TIMEOUT_S)

    # What a user of the server does

    def add_profile(self, name: str, **settings) -> Profile:
        """Add a device profile; settings are fields of Profile."""
        return self.call(self.store.add_profile, Profile(name, **settings))

    def add_device(
        self, name: str, access_token: str | None = None, profile: Profile | None = None
    ) -> Device:
        """Add a device; without an access token one is drawn. ValueError if the name is taken."""
        return self.call(self.store.add_device, name, access_token, profile)

    def set_certificate(self, device: Device, pem: str) -> None:
        """Give a device a certificate in the place of its access token, as a user pastes it."""

        def give():
            device.credentials_type = "X509_CERTIFICATE"
            lines = pem.splitlines()
            device.credentials_value = "".join(line for line in lines if "-----" not in line)

        self.call(give)

    def device(self, name: str) -> Device:
        return self.store.devices[name]

    def set_shared(self, device: Device, **values) -> None:
        """Set shared attributes as a user does: text that reads as a number becomes one."""
        self.call(device.set_shared, parse_values(values))

    def delete_shared(self, device: Device, *keys: str) -> None:
        self.call(device.delete_shared, list(keys))

    def rpc_rule(self, method: str, function: Callable) -> None:
        """Answer client-side RPC: function(params) -> JSON value; without a rule the server is
        silent.
        """
        self.store.rpc_rules[method] = function

    def rpc(self, device: Device, method: str, params=None, two_way=True, timeout=10.0):
        """Send a command, and wait for its reply if two_way; RPCError if nobody listens or in time
        answers.
        """
        done = threading.Event()

        def start() -> RPC:
            rpc = device.start_rpc(method, params, two_way, persistent=False, on_done=done.set)
            if not self.downlink.send(device, rpc):
                rpc.finish("FAILED")
            return rpc

        rpc = self.call(start)
        if not done.wait(timeout):
            self.call(rpc.finish, "TIMEOUT")
        if rpc.status in ("FAILED", "TIMEOUT"):
            raise RPCError("no active connection" if rpc.status == "FAILED" else "timeout")
        return rpc.response

    def persistent_rpc(
        self, device: Device, method: str, params=None, two_way=True, expires: float | None = None
    ) -> RPC:
        """Leave a command with the server, for so many seconds or for ever; watch status and
        history of what is returned.
        """

        def start() -> RPC:
            rpc = device.start_rpc(method, params, two_way, persistent=True)
            self.downlink.send(device, rpc)
            if expires is not None:
                self.layer.later(expires, lambda: rpc.finish("EXPIRED"))
            return rpc

        return self.call(start)

    def assign(self, target: Device | Profile, package: Package) -> None:
        """Assign a package to a device, or to the devices of a profile that have none."""
        self.call(packages.assign, self.store, target, package, self.update_first())

    def update_first(self) -> bool:
        """Draw whether an assignment tells its update before its deletions; in any thread."""
        return self.layer.random.random() < self.switches.update_first

    def unassign(self, device: Device, kind: str = "fw") -> None:
        self.call(packages.unassign, device, kind)

    # What happens to servers

    def restart(self) -> None:
        """Forget what a restarted server forgets: observations, transfers, duplicates, RPC ids.
        For some seconds it hears, and answers no request that needs its core.
        """

        def forget():
            self.layer.forget()
            self.resources.restart()
            self.store.forget_rpcs()

        self.call(forget)

    def stop_answering(self) -> None:
        """Begin an outage: nothing is heard and nothing is sent."""
        self.call(setattr, self.layer, "deaf", True)

    def answer_again(self) -> None:
        self.call(setattr, self.layer, "deaf", False)

    def close_observations(self, device: Device) -> None:
        """Close a device's observations with 2.02, as when its credentials change."""
        self.call(self.downlink.close, device)

    # What is seen of it

    def subscribe(self, function: Callable[[Event], None]) -> None:
        """Have function(event) called with each event, in the server's thread."""
        self.events.subscribe(function)

    def observes(self, device: Device, feature: str = "attributes") -> bool:
        """Whether the device has a live observation; feature is attributes or rpc."""
        return self.call(self.downlink.observation, device, feature) is not None

    def until(
        self, condition: Callable[[], object], timeout: float = 10.0, step: float = 0.01
    ) -> bool:
        """Wait until condition() is true; False if it is not in time."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(step)
        return True
