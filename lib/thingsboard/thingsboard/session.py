# The state of a device's link to its server: what is wrong, who is observed, how silent it is.
# jobs.py has what is done all the time.

import asyncio
from random import randrange

from coap.supervisor import supervise
from micropython import const

from .link import backoff_ms
from .words import words_of

_UNAUTHORIZED = const(0x81)
_REPLACED = const(0x42)  # 2.02: the server ended an observation
_SILENCES = const(3)  # in a row, then a new source port and a new look at the DNS
_REFUSALS = const(8)  # in a row, then the same: the name may lead to another server by now
_SPREAD_MS = const(10_000)  # after a silence, at most: all devices of a server come back with it
_LOOK_UP_MS = const(7000)  # longer than one takes (coap/resolver.py)
_SAID_MS = const(600_000)  # the same words are not logged again before, only counted
_LINES = const(8)  # logged in a minute, at most
_MINUTE_MS = const(60_000)
_LONGEST = const(200)  # characters of a problem

# The jobs that tell when they go well; what is reported of anything else is past with the next
# success of any job.
_JOBS = ("attributes", "rpc", "telemetry", "clock", "session", "update", "journal")


class Session:
    """The link of a device to its server.

    client is a coap.Client, clock a Clock. log(text) is told what goes wrong. random(n) returns an
    int of 0 to n - 1.
    """

    problem = None  # what keeps the device from its server, as text; None while all is well
    silences = 0  # requests without an answer since the last one that had one
    schedule = None  # while keep() runs: its Schedule
    faults = 0  # what ended a job and was not to be expected, and the last one as text
    last_fault = None
    _silent_since = 0  # uptime at which the first of the requests without an answer began
    _problem_of = None  # what the problem was reported of

    def __init__(self, client, clock, log=None, random=randrange):
        self.client = client
        self.clock = clock
        self.log = log or (lambda text: None)
        self.observations = {}  # by the last segment of their path
        self.stock = asyncio.Event()  # set: the outbox may have something to send
        self.random = random
        self.sooner = asyncio.Event()  # set: something is due earlier than keep() knows
        # [problem, when, times since] of the lines that were logged last, oldest first.
        self._said = [[0, -_MINUTE_MS, 0]] * _LINES

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it was just logged.

        Both have its first 200 characters. What keeps all jobs from the server is one problem,
        whichever job reports it. In a minute there are at most 8 lines; what comes again within
        ten is counted, and the next line of it has the count.
        """
        what = str(what[:_LONGEST])  # it may be a whole record, and bytes
        problem = words_of(error) if what in _JOBS else ""
        if not problem:
            problem = "%s: %s %s" % (what, type(error).__name__, error)
        problem = problem[:_LONGEST]
        self.problem = problem
        self._problem_of = what
        self._say(problem)

    def _say(self, problem):
        # Log it, or count it.
        now = self.clock.uptime_ms()
        said = self._said
        times = 0
        for one in said:
            if one[0] == problem:
                one[2] = times = one[2] + 1
                if now - one[1] < _SAID_MS:
                    return
                break
        else:
            one = said[0]
            if now - one[1] < _MINUTE_MS:
                return
        said.remove(one)
        said.append([problem, now, 0])
        self.log("%s (%d times more)" % (problem, times) if times else problem)

    def well(self, job):
        """Note that a job goes well: its problem is past, and any that is no job's."""
        if self._problem_of == job or self._problem_of not in _JOBS:
            self.problem = self._problem_of = None

    def supervise(self, name, job):
        """Return a coroutine that runs a job, a function that returns one, until cancelled."""

        def ended(error):
            error = error or RuntimeError("the job has ended")
            if not isinstance(error, OSError):  # a silent server is no fault of ours
                self.faults += 1
                self.last_fault = ("%s: %r" % (name, error))[:_LONGEST]
            self.report("session" if words_of(error) else name, error)

        return supervise(job, ended)

    async def watch(self, request):
        """Await a request; learn from it whether the server is, or was, silent."""
        endpoint = self.client.endpoint
        sent_before = endpoint.retransmissions
        begun = self.clock.uptime_ms()
        try:
            response = await request
        except OSError:
            self.silent(begun)
            raise
        self.heard(begun if endpoint.retransmissions != sent_before else None)
        return response

    def heard(self, since=None):
        """The server has said something, for the first time since an uptime (None: all is well).

        What it said meanwhile may be lost. The longer it was silent the more devices found out,
        so each registers at random within half of that time.
        """
        if self.silences:
            since = self._silent_since
            self.silences = 0
        if since is not None:
            silence_ms = self.clock.uptime_ms() - since
            self.register_soon(min(silence_ms // 2, _SPREAD_MS))

    def silent(self, since):
        """A request that began at an uptime had no answer."""
        if not self.silences:
            self._silent_since = since
        self.silences += 1
        if self.silences % _SILENCES == 0:
            self.reconnect()

    async def failed(self, job, error, failures):
        """A job failed, so many times in a row: report it, and wait before its next try."""
        self.report(job, error)
        self.end_observation(job)
        await asyncio.sleep_ms(backoff_ms(failures, error, self.random))
        code = getattr(error, "code", 0)
        wrong = not (isinstance(error, OSError) or code == _REPLACED or failures % _REFUSALS)
        if wrong or code == _UNAUTHORIZED:
            self.reconnect()
            await asyncio.sleep_ms(_LOOK_UP_MS)  # else the old server is asked once more

    def end_observation(self, name):
        """Cancel an observation if it is there, and forget it."""
        observation = self.observations.pop(name, None)
        if observation:
            observation.cancel()

    def reconnect(self):
        """Look the server's name up again and take a new source port, soon."""
        try:
            self.client.reconnect()
        except OSError as error:
            self.report("session", error)

    def look_soon(self, name):
        """Note that the server may keep news of an observation."""
        if self.schedule:
            self.schedule.look(name, self.clock.uptime_ms())
            self.sooner.set()

    def register_soon(self, within_ms=0):
        """Note that observations may be lost; register at random within so many milliseconds."""
        if self.schedule:
            self.schedule.register_soon(self.clock.uptime_ms(), within_ms)
            self.sooner.set()
