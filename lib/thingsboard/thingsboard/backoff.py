# How long to wait before the next try. Sans-I/O.

from micropython import const

_FIRST_MS = const(1000)
_MOST_MS = const(60_000)
_UNAUTHORIZED = const(0x81)
_UNAUTHORIZED_MS = const(300_000)  # a wrong access token is not hammered
_REFUSALS = const(6)  # doublings after an answer: up to a minute
_SILENCES = const(3)  # doublings after silence, which took its time already: up to 8 s


class Backoff:
    """The waits of one job; random(n) returns an int of 0 to n - 1."""

    _doublings = 0  # since the last success

    def __init__(self, random):
        self._random = random

    def next(self, error):
        """Return for how many milliseconds to wait after an error.

        1 s, doubling to a minute, or to 8 s for an error without a response code; at random
        between half and all of it.
        """
        code = getattr(error, "code", 0)
        delay_ms = min(_FIRST_MS << self._doublings, _MOST_MS)
        if code == _UNAUTHORIZED:
            delay_ms = _UNAUTHORIZED_MS
        self._doublings = min(self._doublings + 1, _REFUSALS if code else _SILENCES)
        return delay_ms // 2 + self._random(delay_ms // 2)

    def succeeded(self):
        """Begin anew with the shortest wait."""
        self._doublings = 0
