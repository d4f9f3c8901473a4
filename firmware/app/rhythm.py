# When a device that sleeps measures and reports, and what it knows through its sleeps. Sans-I/O.

import struct
from binascii import crc32

from micropython import const

# Uptime, Unix time at uptime 0 (0: unknown), uptime of the last look at the server's time; how
# wrong the sleeps are; the interval; the journal's first record since power-on; measurements since
# the last report, reports that failed in a row; the last message id.
_STATE = const("<qqqiIIHBH")
_DOUBLINGS = const(2)
_SHORTEST_MS = const(1000)  # of a sleep
_MILLION = const(1000_000)
_RATE_MAX = const(100_000)  # millionths: as much as clock.py takes for drift
_LEARN_MS = const(1200_000)  # the server tells whole seconds: less teaches nothing


class Rhythm:
    """Counts through sleeps. kept: what keep() returned before the sleep; None: there was none.

    Every report_every-th measurement is one that is reported. After reports that failed it is
    every second, then every fourth of those: a battery is not spent on a server that is away.
    Unless woken is true nothing is known, and a report is due.
    """

    def __init__(self, report_every, interval_ms, kept=None):
        self.report_every = report_every
        self.interval_ms = interval_ms
        self.uptime_ms = self.looked_ms = 0
        self.start_ms = self.born = None
        self.rate = 0  # by how many millionths sleeps are longer than asked for
        self.measured = 0
        self.failures = 0
        self.message_id = None
        self.woken = False
        size = struct.calcsize(_STATE)
        if kept and len(kept) == size + 4:
            state = kept[:size]
            if crc32(state) == int.from_bytes(kept[size:], "little"):
                self.woken = True
                (
                    self.uptime_ms,
                    start_ms,
                    self.looked_ms,
                    self.rate,
                    self.interval_ms,
                    self.born,
                    self.measured,
                    self.failures,
                    self.message_id,
                ) = struct.unpack(_STATE, state)
                self.start_ms = start_ms or None

    def is_due(self):
        """Return whether the next measurement is one to be reported."""
        late = min(max(0, self.failures - 1), _DOUBLINGS)
        return not self.woken or self.measured + 1 >= self.report_every << late

    def reported(self, done):
        """Note that a report was made, or was tried in vain."""
        self.measured = 0
        self.failures = 0 if done else min(self.failures + 1, 255)

    def looked(self, uptime_ms, start_ms):
        """Note a look at the server's time, and learn from it how long the sleeps really are."""
        counted_ms = uptime_ms - self.looked_ms
        if self.start_ms is not None and counted_ms >= _LEARN_MS:
            error = (start_ms - self.start_ms) * _MILLION // counted_ms
            # By half: one look is a second wrong at worst.
            self.rate = max(-_RATE_MAX, min(self.rate + error // 2, _RATE_MAX))
        self.looked_ms = uptime_ms
        self.start_ms = start_ms

    def sleep_ms(self, uptime_ms):
        """Return for how long to sleep from an uptime on, to be awake at the next measurement.

        That is one interval after this start, or several. uptime_ms is that of the wake then.
        """
        awake_ms = uptime_ms - self.uptime_ms
        left_ms = self.interval_ms - awake_ms % self.interval_ms
        if left_ms < _SHORTEST_MS:
            left_ms += self.interval_ms
        self.uptime_ms = uptime_ms + left_ms
        return left_ms * _MILLION // (_MILLION + self.rate)

    def keep(self):
        """Return what is to be kept through the sleep, bytes."""
        state = struct.pack(
            _STATE,
            self.uptime_ms,
            self.start_ms or 0,
            self.looked_ms,
            self.rate,
            self.interval_ms,
            self.born,
            min(self.measured, 65535),
            self.failures,
            self.message_id or 0,
        )
        return state + crc32(state).to_bytes(4, "little")
