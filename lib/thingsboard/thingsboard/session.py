# Keeps a Device in touch with its server: observations, outbox, clock, signs of life.
#
# What is decided stands in link.py; here is the asyncio driver, which sleeps until something is
# due. Each job goes on after what is to be expected of a network. What is not, ends it, is
# counted, and a supervisor begins it again: a device in the field has nobody to do so.

import asyncio
from random import randrange

from coap import ResponseError, TransferError
from coap.supervisor import supervise
from micropython import const

from .link import Schedule, Sequence, backoff_ms

_OBSERVE = const(6)
_BLOCK2 = const(23)
_MORE = const(8)  # its bit: more blocks follow
_POST = const(2)
_BAD_REQUEST = const(0x80)
_UNAUTHORIZED = const(0x81)
_REPLACED = const(0x42)  # 2.02: the server ended an observation
_TIMEOUT_MS = const(20_000)  # of one request: short enough for a fresh start soon after an outage
_SILENCES = const(3)  # in a row, then a new source port and a new look at the DNS
_LIVED_MS = const(60_000)  # an observation that lived so long was no failure
_STATE_SIGNS = const(4)  # of so many signs of life one asks for the state, which may be large
_SAID_MS = const(60_000)  # the same words are not logged again before
_EXPECTED = (OSError, ResponseError, TransferError, ValueError)


async def run(device, updater=None, keepalive_ms=25_000, reregister_ms=300_000):
    """Keep a device in touch with its server until cancelled.

    Watches attributes and commands, sends the outbox, sets the clock, runs the updater's run().
    keepalive_ms is the time between signs of life, new registrations for commands: they keep a
    NAT's binding open, or tell the server the new one, and notice a dead server (0: off, for low
    power). Every fourth is one for attributes, too. reregister_ms, give or take a tenth, bounds
    how long a server that forgot us goes unnoticed.
    """

    async def take_command(observation, message, full):
        payload = message.payload
        command = device.commands.admit(payload)
        if command:
            asyncio.create_task(device.commands.obey(command, payload))

    async def take_attributes(observation, message, full):
        if (message.uint(_BLOCK2) or 0) & _MORE:
            await device.take_large(observation, message, full)
        else:
            device.attributes.take(message.payload, full)

    session = device.session
    path = device.path
    jobs = [
        ("attributes", lambda: session.observe(path + ("attributes",), take_attributes, True)),
        ("rpc", lambda: session.observe(path + ("rpc",), take_command, False)),
        ("telemetry", lambda: session.send(path + ("telemetry",), device.outbox)),
        ("session", lambda: session.keep(keepalive_ms, reregister_ms)),
    ]
    if updater:
        jobs.append(("update", updater.run))
    await asyncio.gather(*[session.supervise(name, job) for name, job in jobs])


class Session:
    """The link of a device to its server, and all that keeps it alive.

    client is a coap.Client, clock a Clock. log(text) is told what goes wrong. random(n) returns an
    int of 0 to n - 1.
    """

    problem = None  # what keeps the device from its server, as text; None while all is well
    silences = 0  # requests without an answer since the last one that had one
    schedule = None  # while keep() runs: its Schedule
    faults = 0  # what ended a job and was not to be expected, and the last one as text
    last_fault = None
    _problem_of = None  # what the problem was reported of

    def __init__(self, client, clock, log=None, random=randrange):
        self.client = client
        self.clock = clock
        self.log = log or (lambda text: None)
        self.observations = {}  # by the last segment of their path
        self.stock = asyncio.Event()  # set: the outbox may have something to send
        self._random = random
        self._sooner = asyncio.Event()  # set: something is due earlier than keep() knows
        self._said = {}  # by what was reported: the words, and when they were logged

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it was just logged."""
        problem = "%s: %s %s" % (what, type(error).__name__, error)
        if what in self.observations and getattr(error, "code", 0) == _REPLACED:
            problem = what + ": replaced; does another device use this access token?"
        self.problem = problem
        self._problem_of = what
        now = self.clock.uptime_ms()
        words, when = self._said.get(what, (None, 0))
        if words != problem or now - when >= _SAID_MS:
            self._said[what] = problem, now
            self.log(problem)

    def well(self, what):
        """Note that this goes well: a problem that was reported of it is past."""
        if self._problem_of == what:
            self.problem = self._problem_of = None

    def supervise(self, name, job):
        """Return a coroutine that runs a job, a function that returns one, until cancelled."""

        def ended(error):
            self.faults += 1
            self.last_fault = "%s: %r" % (name, error)
            self.report(name, error)

        return supervise(job, ended)

    async def watch(self, request):
        """Await a request; learn from it whether the server is, or was, silent."""
        endpoint = self.client.endpoint
        sent_before = endpoint.retransmissions
        try:
            response = await request
        except OSError:
            self.silent()
            raise
        if endpoint.retransmissions != sent_before:
            self.register_soon()  # what the server said meanwhile may be lost
        self.heard()
        return response

    def heard(self):
        """The server has said something."""
        if self.silences:
            self.register_soon()  # what it said meanwhile may be lost
        self.silences = 0

    def silent(self):
        """A request had no answer."""
        self.silences += 1
        if self.silences % _SILENCES == 0:
            self.reconnect()

    async def observe(self, path, take, ordered):
        """Keep an observation until cancelled.

        await take(observation, message, full) gets each message, of a large one the first block;
        full: it is the answer to a registration. With ordered it gets none that is older than the
        last.
        """
        name = path[-1]
        failures = 0  # in a row
        silence = True  # whether the last one was just that
        while True:
            begun = self.clock.uptime_ms()
            try:
                observation = self.client.observe(path, timeout_ms=_TIMEOUT_MS, ordered=ordered)
                observation.whole = not ordered
                self.observations[name] = observation
                sequence = Sequence()
                async for message in observation:
                    self.heard()
                    number = message.uint(_OBSERVE)
                    if sequence.take(message.token, number):
                        observation.register()
                    await take(observation, message, not number)
                    if silence or self.clock.uptime_ms() - begun >= _LIVED_MS:
                        failures = 0
                        self.well(name)
            except _EXPECTED as error:
                if self.clock.uptime_ms() - begun >= _LIVED_MS:
                    failures = 0
                failures += 1
                silence = isinstance(error, OSError)
                if silence:
                    self.silent()
                await self._failed(name, error, failures)
            finally:
                self._end_observation(name)

    async def send(self, path, outbox):
        """Send an outbox batch by batch until cancelled; each leaves it only after its 2.01.

        A failure makes later batches smaller; only a 4.00 for a single record costs that record.
        """
        failures = 0  # in a row
        while True:
            try:
                if len(outbox):
                    await self.clock.refresh(self.client)
                payload = outbox.batch()
                if not payload:
                    await self._restocked(outbox.wait_ms())
                    continue
                request = self.client.request(_POST, path, payload, timeout_ms=_TIMEOUT_MS)
                await self.watch(request)
                self.well("telemetry")
                outbox.accepted()
                failures = 0
            except Exception as error:
                if getattr(error, "code", 0) != _BAD_REQUEST:
                    failures += 1
                    outbox.failed()
                    await self._failed("telemetry", error, failures)
                elif record := outbox.rejected():
                    self.report(record, error)

    async def _restocked(self, wait_ms):
        # Wait for a record, or until one that is there goes without its time.
        self.stock.clear()
        if wait_ms is None:
            await self.stock.wait()
            return
        try:
            await asyncio.wait_for_ms(self.stock.wait(), wait_ms)
        except asyncio.TimeoutError:
            pass

    async def keep(self, keepalive_ms, reregister_ms):
        """Do what the schedule says until cancelled."""
        clock = self.clock
        schedule = Schedule(clock.uptime_ms(), keepalive_ms, reregister_ms, self._random)
        self.schedule = schedule
        self.client.on_open = self.register_soon
        signs = 0
        while True:
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
            try:
                if job == "sync":
                    settled = await clock.sync(self.client)
                    self.stock.set()
                    self.well("clock")
                    if not settled:
                        continue  # it is due again in a minute
                else:
                    signs += job == "alive"
                    for observation in self.observations.values():
                        if job == "register" or observation.whole or not signs % _STATE_SIGNS:
                            observation.register()
                    self.well("session")
                schedule.done(job, now)
            except _EXPECTED as error:
                self.report("clock" if job == "sync" else "session", error)

    async def _failed(self, job, error, failures):
        self.report(job, error)
        self._end_observation(job)
        await asyncio.sleep_ms(backoff_ms(failures, error, self._random))
        if getattr(error, "code", 0) == _UNAUTHORIZED:
            self.reconnect()  # the name may lead to another server by now

    def _end_observation(self, name):
        observation = self.observations.pop(name, None)
        if observation:
            observation.cancel()

    def reconnect(self):
        """Look the server's name up again and take a new source port, soon."""
        try:
            self.client.reconnect()
        except OSError as error:
            self.report("session", error)

    def register_soon(self):
        """Note that observations may be lost."""
        if self.schedule:
            self.schedule.register_soon()
            self._sooner.set()
