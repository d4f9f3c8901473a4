# Telemetry that waits for the server: a bounded queue, oldest dropped first. Sans-I/O.

from micropython import const

_BATCH = const(1024)  # bytes of a body that fits one block


class Outbox:
    """Records, each with its time, as the JSON that will be sent.

    max_records and max_bytes (of JSON) bound it; dropped counts what was lost to the bounds, refused what the server
    would not take.
    """

    def __init__(self, clock, max_records=256, max_bytes=16384):
        self._clock = clock
        self._records = []  # (time, values); a negative time is ~uptime, taken before the clock was set
        self._bytes = 0
        self._first = 0  # number of the oldest record, counted since the start
        self._max_records = max_records
        self._max_bytes = max_bytes
        self.dropped = 0
        self.refused = 0

    def __len__(self):
        return len(self._records)

    def add(self, values, ts=None):
        """Queue a record; values is JSON text, ts its Unix milliseconds (None: now)."""
        if ts is None:
            ts = self._clock.now_ms()
            if ts is None:
                ts = ~self._clock.uptime_ms()
        self._records.append((ts, values))
        self._bytes += len(values)
        while len(self._records) > self._max_records or self._bytes > self._max_bytes:
            self.remove(self._first + 1)
            self.dropped += 1

    def batch(self, most):
        """Return (end, count, body) of up to `most` of the oldest records; body None: the time is unknown yet.

        The body is a JSON array of one block, or of one record that is larger. remove(end) when the server has it.
        """
        parts = []
        size = 1
        for ts, values in self._records:
            if ts < 0:
                ts = self._clock.at(~ts)
            if ts is not None:
                values = '{"ts":%d,"values":%s}' % (ts, values)
            elif not self._clock.refused:
                break
            size += len(values.encode()) + 1
            if parts and (size > _BATCH or len(parts) == most):
                break
            parts.append(values)
        count = len(parts)
        return self._first + count, count, "[%s]" % ",".join(parts) if parts else None

    def remove(self, end):
        """Forget the records before number end."""
        while self._records and self._first < end:
            self._bytes -= len(self._records.pop(0)[1])
            self._first += 1
