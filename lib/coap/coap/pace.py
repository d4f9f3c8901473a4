# What a path takes, found by trying: how long a round trip lasts, how large a datagram may be.
# Sans-I/O.

from micropython import const

_MAX_TIMEOUT_MS = const(60_000)  # on the slowest link
_MAX_PATIENCE_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)
_SUCCESSES = const(4)  # in a row, then a larger size is tried
_MAX_SUCCESSES = const(256)  # the most that are waited for when larger sizes keep failing


class RoundTrip:
    """How long an answer takes, smoothed (RFC 6298)."""

    _mean = 0  # * 8; 0: none measured
    _deviation = 0  # * 4
    _reordering = 1  # quarters of a round trip

    def measured(self, ms, late=False):
        """Take the time that one answer took; late: it was not waited for."""
        if late:
            self._reordering = min(self._reordering + 1, 4)
        ms = max(1, ms)
        if self._mean:
            error = ms - (self._mean >> 3)
            self._mean += error
            self._deviation += abs(error) - (self._deviation >> 2)
        else:
            self._mean = ms << 3
            self._deviation = ms << 1

    def timeout_ms(self):
        """Return after how long a message is likely to be lost; 0: nobody knows yet.

        A quarter of the round trip at least is left for what the peer and the link vary.
        """
        return min((self._mean >> 3) + max(self._deviation, self._mean >> 5), _MAX_TIMEOUT_MS)

    def overtaken_ms(self, ms):
        """Return how long to wait for what was overtaken and sent ms ago (RFC 8985 section 6.2).

        That is what is left of a round trip, and a quarter; more with each answer that was late.
        """
        return max(0, (self._mean >> 3) - ms) + (self._mean * self._reordering >> 5)

    def patience_ms(self):
        """Return how long to wait for an answer before giving up, at least."""
        return min(self.timeout_ms() * 3 >> 1, _MAX_PATIENCE_MS)


class Fit:
    """The largest size that gets through, found by trying.

    Two failures in a row halve it, some successes double it. A doubled size that fails at once is
    taken back, and the next trial waits four times as long.
    """

    def __init__(self, largest=1024, smallest=128):
        self.size = self._largest = largest
        self._smallest = smallest
        self._failures = 0  # in a row
        self._successes = 0  # in a row, with this size
        self._wanted = _SUCCESSES  # in a row, before a larger size is tried
        self._trying = False  # the size is new: nothing as large has got through yet

    def failed(self):
        """Note that something may have been too large."""
        self._failures += 1
        self._successes = 0
        if self._failures > 1 or self._trying:
            if self._trying:
                self._wanted = min(self._wanted * 4, _MAX_SUCCESSES)
            self._trying = False
            self._failures = 0
            self.size = max(self.size >> 1, self._smallest)

    def worked(self):
        """Note that something of about this size got through."""
        self._failures = 0
        self._trying = False
        self._successes += 1
        if self.size == self._largest:
            self._wanted = _SUCCESSES
            self._successes = 0
        elif self._successes >= self._wanted:
            self.size *= 2
            self._successes = 0
            self._trying = True
