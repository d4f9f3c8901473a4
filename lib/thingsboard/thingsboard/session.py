# Keeps a Device alive: observations, commands, outbox, clock, keep-alive; backs off, never gives up.

import asyncio
import os

from coap import UNAUTHORIZED, ResponseError, TransferError
from micropython import const

_OBSERVE = const(6)
_TIMEOUT_MS = const(20_000)  # of one request: short enough for a fresh start soon after an outage
_SETTLE_MS = const(10_000)  # between registrations that a recovery asks for
_RECONNECT = const(3)  # silences in a row, then a new source port and a new look at the DNS
_SYNC_MS = const(6 * 3600_000)
_UNAUTHORIZED_MS = const(300_000)  # a wrong access token is not hammered
_MAX_DELAY_MS = const(60_000)
_RECORDS = const(64)  # in one batch


async def run(device, updater=None, keepalive_ms=25_000, reregister_ms=300_000):
    """Keep a device in touch with its server until cancelled.

    Watches attributes and commands, sends the outbox, sets the clock, runs the updater. keepalive_ms keeps a NAT's binding open and
    notices a dead server (0: off, for low power); reregister_ms, give or take a tenth, bounds how long a server that forgot us
    goes unnoticed.
    """
    session = _Session(device, keepalive_ms, reregister_ms)
    jobs = [
        session.observe("attributes", True),
        session.observe("rpc", False),
        session.send(),
        session.sync(),
        session.keep(),
    ]
    if updater:
        jobs.append(updater.run())
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        for observation in session.observations.values():
            observation.cancel()


class _Session:
    def __init__(self, device, keepalive_ms, reregister_ms):
        self.device = device
        self.client = device.client
        self.keepalive_ms = keepalive_ms
        self.reregister_ms = reregister_ms
        self.observations = {}  # by feature
        self.registered_ms = 0  # uptime of the last registration
        self.failures = {}  # in a row, by job

    async def observe(self, feature, full_state):
        # One observation, for ever. With full_state the answer to a registration is the whole state.
        device = self.device
        while True:
            try:
                observation = self.client.observe(
                    device.path(feature), timeout_ms=_TIMEOUT_MS, ordered=full_state
                )
                self.observations[feature] = observation
                token = None
                async for message in observation:
                    self.succeeded(feature)
                    first = message.token != token
                    number = message.uint(_OBSERVE)
                    if first:
                        token = message.token
                        gap = False
                    elif number > last + 1 and not gap:
                        # Something was lost, on the way or replaced by the server: ask for all of it.
                        gap = True
                        observation.register()
                    last = number
                    if full_state:
                        device.take_attributes(message.payload, first)
                    elif message.payload:
                        asyncio.create_task(self.command(message.payload))
            except (OSError, ResponseError, TransferError) as error:
                self.observations.pop(feature, None)
                await self.failed(feature, error)

    async def command(self, payload):
        try:
            await self.device.take_rpc(payload)
        except (OSError, ResponseError, TransferError) as error:
            self.device.log("rpc: %r" % error)

    async def send(self):
        # The outbox, batch by batch; each leaves it only after its 2.01.
        outbox = self.device.outbox
        most = _RECORDS
        while True:
            end, count, body = outbox.batch(most)
            if not body:
                await asyncio.sleep_ms(250)
                continue
            try:
                await self.device.request(2, "telemetry", body, timeout_ms=_TIMEOUT_MS)
            except (OSError, ResponseError) as error:
                if getattr(error, "code", 0) != 0x80:
                    await self.failed("telemetry", error)
                elif count > 1:
                    most = count // 2  # one of them is refused: halve until it is alone
                else:
                    outbox.remove(end)
                    outbox.refused += 1
                    self.device.log("telemetry: refused: " + body)
            else:
                outbox.remove(end)
                most = _RECORDS if most == _RECORDS else most * 2
                self.succeeded("telemetry")

    async def sync(self):
        while True:
            try:
                await self.device.clock.sync(self.client)
                self.succeeded("clock")
                await asyncio.sleep_ms(_SYNC_MS)
            except (OSError, ResponseError) as error:
                await self.failed("clock", error)

    async def keep(self):
        # Once a second: is a sign of life due, or a registration?
        device = self.device
        transport = self.client.transport
        opened = transport.opened
        pinged_ms = 0
        while True:
            await asyncio.sleep_ms(1000)
            now = device.clock.uptime_ms()
            if self.keepalive_ms and now - pinged_ms >= self.keepalive_ms:
                pinged_ms = now
                try:
                    await device.watch(lambda: self.client.ping(_TIMEOUT_MS))
                except OSError:
                    pinged_ms -= self.keepalive_ms  # try again at once
                    if device.silences >= _RECONNECT:
                        self.reconnect()
                now = device.clock.uptime_ms()
            if (
                now - self.registered_ms > self.reregister_ms
                or device.recovered
                and now - self.registered_ms > _SETTLE_MS
                or transport.opened != opened
            ):
                opened = transport.opened
                self.register(now)

    def register(self, now):
        self.device.recovered = False
        tenth = self.reregister_ms // 10
        self.registered_ms = now + _random(2 * tenth) - tenth
        for feature, observation in self.observations.items():
            try:
                observation.register()
            except OSError as error:
                self.device.log("%s: %r" % (feature, error))

    def reconnect(self):
        self.device.silences = 0
        self.device.recovered = True
        try:
            self.client.reconnect()
        except OSError as error:
            self.device.log("reconnect: %r" % error)

    def succeeded(self, job):
        if self.failures.pop(job, 0) and not self.failures:
            self.device.problem = None

    async def failed(self, job, error):
        # Report what is new, then wait: 1 s, doubling to a minute, at random between half and all of it.
        tries = self.failures.get(job, 0)
        self.failures[job] = tries + 1
        problem = "%s: %s" % (job, error if isinstance(error, ResponseError) else repr(error))
        if problem != self.device.problem:
            self.device.problem = problem
            self.device.log(problem)
        delay_ms = min(1000 << min(tries, 6), _MAX_DELAY_MS)
        if getattr(error, "code", 0) == UNAUTHORIZED:
            delay_ms = _UNAUTHORIZED_MS
        await asyncio.sleep_ms(delay_ms // 2 + _random(delay_ms // 2))


def _random(n):
    return int.from_bytes(os.urandom(3), "big") % (n + 1)
