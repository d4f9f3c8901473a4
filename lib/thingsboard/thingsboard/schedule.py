# What a session has to do, and when. Sans-I/O: instants are milliseconds of uptime.

from micropython import const

SYNC = const(0)  # look at the time
PING = const(1)  # give a sign of life
REGISTER = const(2)  # register all observations anew

_SYNC_MS = const(6 * 3600_000)  # between looks at the time
# From a job's begin until it is tried again, if it fails.
_RETRY_MS = {SYNC: 60_000, PING: 1000, REGISTER: 10_000}
_SETTLE_MS = const(10_000)  # between registrations that a recovery asks for


class Schedule:
    """When each job of a session is due.

    keepalive_ms is the time between signs of life, 0 for none; reregister_ms, give or take a
    tenth, that between registrations. random(n) returns an int of 0 to n - 1.
    """

    def __init__(self, now, keepalive_ms, reregister_ms, random):
        self._random = random
        self._keepalive_ms = keepalive_ms
        self._reregister_ms = reregister_ms
        self._registered = now  # when the observations were last registered
        self._due = {SYNC: now}
        if keepalive_ms:
            self.done(PING, now)
        self.done(REGISTER, now)

    def next(self):
        """Return (job, instant) of what is due first."""
        due = self._due
        job = min(due, key=due.get)
        return job, due[job]

    def begin(self, job, now):
        """Note that a job is begun; without done() it is due again soon."""
        self._due[job] = now + _RETRY_MS[job]

    def done(self, job, now):
        """Note that a job which was begun at `now` is done."""
        if job == SYNC:
            period_ms = _SYNC_MS
        elif job == PING:
            period_ms = self._keepalive_ms
        else:
            self._registered = now
            period_ms = self._reregister_ms * (900 + self._random(201)) // 1000
        self._due[job] = now + period_ms

    def register_soon(self):
        """Note that observations may be lost: at a new address, or while the server was silent."""
        soon = self._registered + _SETTLE_MS
        self._due[REGISTER] = min(self._due[REGISTER], soon)
