# Telemetry that waits for the server: a bounded queue, oldest dropped first. Sans-I/O.

from micropython import const

_BATCH = const(1024)  # bytes of a body that fits one block
_OVERHEAD = const(64)  # bytes of RAM that a record takes beside its JSON


class Outbox:
    """Records, each with its time, as the JSON that will be sent.

    max_bytes of RAM bound it; dropped counts what was lost to that, refused what the server would
    not take.
    """

    def __init__(self, clock, max_bytes=16384):
        self._clock = clock
        self._records = []  # (time, values); a negative time is ~uptime: the clock was not set
        self._bytes = 0
        self._first = 0  # number of the oldest record, counted since the start
        self._max_bytes = max_bytes
        self.dropped = 0
        self.refused = 0

    def __len__(self):
        return len(self._records)

    def add(self, values, ts=None):
        """Queue a record; values is JSON text, ts its Unix milliseconds (None: now)."""
        if ts is None:
            ts = self._clock.now_ms()
        self._records.append((~self._clock.uptime_ms() if ts is None else int(ts), values))
        self._bytes += len(values) + _OVERHEAD
        while self._bytes > self._max_bytes:
            self.remove(self._first + 1)
            self.dropped += 1

    def batch(self, most):
        """Return (end, count, body) of up to `most` of the oldest records; count 0: not yet.

        The body is a JSON array that fits a block, or one larger record. remove(end) when it was
        taken. Records wait for the time to be known.
        """
        parts = []
        size = 1
        for ts, values in self._records:
            if ts < 0:
                ts = self._clock.at(~ts)
            if ts is None:
                break
            values = '{"ts":%d,"values":%s}' % (ts, values)
            size += len(values) + 1
            if parts and (size > _BATCH or len(parts) == most):
                break
            parts.append(values)
        return self._first + len(parts), len(parts), "[%s]" % ",".join(parts)

    def remove(self, end):
        """Forget the records before number end."""
        while self._records and self._first < end:
            self._bytes -= len(self._records.pop(0)[1]) + _OVERHEAD
            self._first += 1
