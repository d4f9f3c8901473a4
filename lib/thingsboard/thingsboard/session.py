# Keeps a Device in touch with its server: observations, outbox, clock, signs of life.
#
# What is decided stands in link.py; here is the asyncio driver, which sleeps until something is
# due. Each job catches whatever comes, also what it does not expect, reports it, waits and goes
# on: a device in the field has nobody to start it again.

import asyncio
from random import randrange

from micropython import const

from .link import Schedule, Sequence, backoff_ms

_OBSERVE = const(6)
_POST = const(2)
_BAD_REQUEST = const(0x80)
_TIMEOUT_MS = const(20_000)  # of one request: short enough for a fresh start soon after an outage
_PAUSE_MS = const(1000)  # after an error that nobody foresaw
_SILENCES = const(3)  # in a row, then a new source port and a new look at the DNS


async def run(device, updater=None, keepalive_ms=25_000, reregister_ms=300_000):
    """Keep a device in touch with its server until cancelled.

    Watches attributes and commands, sends the outbox, sets the clock, runs the updater's run().
    keepalive_ms keeps a NAT's binding open and notices a dead server (0: off, for low power);
    reregister_ms, give or take a tenth, bounds how long a server that forgot us goes unnoticed.
    """

    def take_command(payload, full):
        asyncio.create_task(device.commands.take(payload))

    session = device.session
    jobs = [
        session.observe(device.path + ("attributes",), device.attributes.take, True),
        session.observe(device.path + ("rpc",), take_command, False),
        session.send(device.path + ("telemetry",), device.outbox),
        session.keep(keepalive_ms, reregister_ms),
    ]
    if updater:
        jobs.append(updater.run())
    try:
        await asyncio.gather(*jobs)
    finally:
        for observation in session.observations.values():
            observation.cancel()


class Session:
    """The link of a device to its server, and all that keeps it alive.

    client is a coap.Client, clock a Clock. log(text) is told what goes wrong. random(n) returns an
    int of 0 to n - 1.
    """

    problem = None  # what keeps the device from its server, as text; None while all is well
    silences = 0  # requests without an answer since the last one that had one
    schedule = None  # while keep() runs: its Schedule

    def __init__(self, client, clock, log=None, random=randrange):
        self.client = client
        self.clock = clock
        self.log = log or (lambda text: None)
        self.observations = {}  # by the last segment of their path
        self.stock = asyncio.Event()  # set: the outbox may have something to send
        self._random = random
        self._sooner = asyncio.Event()  # set: something is due earlier than keep() knows

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it is the one known already."""
        problem = "%s: %s %s" % (what, type(error).__name__, error)
        if problem != self.problem:
            self.problem = problem
            self.log(problem)

    async def watch(self, request):
        """Await a request; learn from it whether the server is, or was, silent."""
        endpoint = self.client.endpoint
        sent_before = endpoint.retransmissions
        try:
            response = await request
        except OSError:
            self.silences += 1
            if self.silences % _SILENCES == 0:
                self.reconnect()
            raise
        if self.silences or endpoint.retransmissions != sent_before:
            self.register_soon()  # what the server said meanwhile may be lost
        self.silences = 0
        return response

    async def observe(self, path, take, ordered):
        """Keep an observation until cancelled.

        take(payload, full) gets each message; full: it is the answer to a registration. With
        ordered it gets none that is older than the last.
        """
        name = path[-1]
        failures = 0  # in a row
        while True:
            try:
                observation = self.client.observe(path, timeout_ms=_TIMEOUT_MS, ordered=ordered)
                self.observations[name] = observation
                sequence = Sequence()
                async for message in observation:
                    failures = 0
                    self.problem = None
                    number = message.uint(_OBSERVE)
                    if sequence.take(message.token, number):
                        observation.register()
                    take(message.payload, not number)
            except Exception as error:
                failures += 1
                await self._failed(name, error, failures)

    async def send(self, path, outbox):
        """Send an outbox batch by batch until cancelled; each leaves it only after its 2.01."""
        failures = 0  # in a row
        while True:
            try:
                if len(outbox):
                    await self.clock.refresh(self.client)
                payload = outbox.batch()
                if not payload:
                    self.stock.clear()
                    await self.stock.wait()
                    continue
                request = self.client.request(_POST, path, payload, timeout_ms=_TIMEOUT_MS)
                await self.watch(request)
                self.problem = None
                failures = 0
                outbox.accepted()
            except Exception as error:
                if getattr(error, "code", 0) != _BAD_REQUEST:
                    failures += 1
                    await self._failed("telemetry", error, failures)
                elif record := outbox.rejected():
                    self.report(record, error)

    async def keep(self, keepalive_ms, reregister_ms):
        """Do what the schedule says until cancelled."""
        clock = self.clock
        schedule = Schedule(clock.uptime_ms(), keepalive_ms, reregister_ms, self._random)
        self.schedule = schedule
        self.client.on_open = self.register_soon
        while True:
            try:
                now = clock.uptime_ms()
                job, due = schedule.next()
                if due > now:
                    try:
                        await asyncio.wait_for_ms(self._sooner.wait(), due - now)
                    except asyncio.TimeoutError:
                        pass
                    self._sooner.clear()
                    continue
                schedule.begin(job, now)
                if job == "sync":
                    settled = await clock.sync(self.client)
                    self.stock.set()
                    if not settled:
                        continue  # it is due again in a minute
                elif job == "ping":
                    await self.watch(self.client.ping(_TIMEOUT_MS))
                else:
                    for observation in self.observations.values():
                        observation.register()
                schedule.done(job, now)
            except Exception as error:
                self.report("session", error)
                await asyncio.sleep_ms(_PAUSE_MS)

    async def _failed(self, job, error, failures):
        observation = self.observations.pop(job, None)
        if observation:
            observation.cancel()
        self.report(job, error)
        await asyncio.sleep_ms(backoff_ms(failures, error, self._random))

    def reconnect(self):
        """Take a new source port; report it if that fails."""
        try:
            self.client.reconnect()
        except OSError as error:
            self.report("session", error)

    def register_soon(self):
        """Note that observations may be lost."""
        if self.schedule:
            self.schedule.register_soon()
            self._sooner.set()
