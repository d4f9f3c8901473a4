# What a session decides: which notifications are missing, what is due when, how long to wait after
# a failure. Sans-I/O: instants are milliseconds of uptime, random(n) returns an int below n.
#
# ThingsBoard numbers the answer to a registration 0 and each notification one more (the Observe
# option). While one notification by CON waits for its acknowledgement the server replaces the
# next ones, so a gap is a command or a change that was lost. It may also keep the newest of a
# burst for ever, which nothing tells but the next registration.

from micropython import const

_SYNC_MS = const(6 * 3600_000)  # between looks at the time
_SYNC_RETRY_MS = const(60_000)  # from the begin of a job to its next try, if it fails
_RETRY_MS = const(1000)
_SETTLE_MS = const(10_000)  # between registrations that a recovery asks for
_NEAR_MS = const(1000)  # between two notifications of a burst: they come one a round trip
_LOOK_MS = const(1000)  # from the last of them to a registration

_BACKOFF_MS = const(1000)
_MAX_BACKOFF_MS = const(60_000)
_UNAUTHORIZED = const(0x81)
_UNAUTHORIZED_MS = const(300_000)  # a wrong access token is not hammered
_REFUSALS = const(6)  # doublings after an answer, or nonsense: up to a minute
_SILENCES = const(3)  # doublings after silence, which took its time already, or without memory


class Schedule:
    """When each job of a session is due: "sync", "alive", "register", and names of observations.

    These are a look at the time, a sign of life, and a new registration of all observations, or
    of one.
    keepalive_ms is the time between signs of life, 0 for none; reregister_ms, give or take a
    tenth, that between registrations. The first sign of life comes at a random moment of its
    period, so that devices that were switched on together do not speak together ever after.
    """

    def __init__(self, now, keepalive_ms, reregister_ms, random):
        self._random = random
        self.keepalive_ms = keepalive_ms
        self.reregister_ms = reregister_ms
        self._due = {"sync": now}
        if keepalive_ms:
            self._due["alive"] = now + random(keepalive_ms)
        self.done("register", now)

    def next(self):
        """Return (job, instant) of what is due first."""
        job = min(self._due, key=self._due.get)
        return job, self._due[job]

    def begin(self, job, now):
        """Note that a job is begun; without done() it is due again soon."""
        self._due[job] = now + (_SYNC_RETRY_MS if job == "sync" else _RETRY_MS)

    def done(self, job, now):
        """Note that a job which was begun at `now` is done."""
        if job == "sync":
            period_ms = _SYNC_MS
        elif job == "alive":
            period_ms = self.keepalive_ms
        elif job == "register":
            self._registered = now
            period_ms = self.reregister_ms * (900 + self._random(201)) // 1000
        else:
            del self._due[job]
            return
        self._due[job] = now + period_ms

    def register_soon(self, now, within_ms):
        """Note that observations may be lost: at a new address, or while the server was silent.

        They are registered at random within so many milliseconds: others may have lost theirs. A
        look at the time that has failed is tried again then, too.
        """
        soon = now + self._random(within_ms + 1)
        due = max(soon, self._registered + _SETTLE_MS)
        self._due["register"] = min(self._due["register"], due)
        sync = self._due["sync"]
        if sync <= now + _SYNC_RETRY_MS:
            self._due["sync"] = min(sync, soon)

    def look(self, name, now):
        """Note that the server may keep news of this observation; a second after the last call."""
        self._due[name] = now + _LOOK_MS


def backoff_ms(failures, error, random):
    """Return for how many milliseconds a job waits after so many failures in a row.

    1 s, doubling to a minute, or to 8 s after silence (OSError) and without memory, which tells
    nothing of the server; at random between half and all of it.
    """
    code = getattr(error, "code", 0)
    soon = isinstance(error, (OSError, MemoryError))
    delay_ms = _BACKOFF_MS << min(failures - 1, _SILENCES if soon else _REFUSALS)
    half_ms = min(delay_ms, _MAX_BACKOFF_MS) // 2
    if code == _UNAUTHORIZED:
        half_ms = _UNAUTHORIZED_MS // 2
    return half_ms + random(half_ms)


class Sequence:
    """What the messages of one observation say of others, through all its registrations."""

    hides = False  # whether the server may have more than the last message says, for good
    _came = -_NEAR_MS  # when the last notification by CON came
    _token = None  # of the registration that the last message belongs to
    _expected = 0  # the number of the next message under that token
    _asked = False  # a gap was found under that token: a new registration is on its way

    def take(self, token, number, con, now):
        """Take a message; return whether something is missing, so that to register anew.

        token is the message's, number its Observe value; con: it is a notification by CON. A gap
        is told once: until the new registration's token comes, the messages under the old one are
        taken as they are.
        """
        first = token != self._token
        self.hides = con and (first or now - self._came < _NEAR_MS)
        if con:
            self._came = now
        if first:
            # After a gap the answer to the new registration may be lost as well: what comes first
            # is the beginning then, or we would register without end.
            self._expected = number if self._asked else 0
            self._token = token
            self._asked = False
        missing = number > self._expected and not self._asked
        self._asked = self._asked or missing
        self._expected = max(self._expected, number + 1)
        return missing
