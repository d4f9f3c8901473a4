# Telemetry that waits for the server: a bounded queue, oldest dropped first. Sans-I/O.

from micropython import const

from .payload_json import JSONPayload

_BATCH = const(1024)  # bytes of a payload that fits one block
_OVERHEAD = const(64)  # bytes of RAM that a record takes beside its values


class Outbox:
    """Records on their way to the server, one batch at a time.

    batch() returns the payload to send; then accepted() or rejected() says what became of it.
    codec makes payloads (default: JSON). max_bytes of RAM bound the queue; dropped counts what was
    lost to that, refused what the server would not take.
    """

    def __init__(self, clock, codec=None, max_bytes=16384):
        self._clock = clock
        self._codec = codec or JSONPayload()
        # (values, ts, uptime) of each: values as the codec keeps them; ts in Unix milliseconds, or
        # None while the clock is not set, and the uptime in milliseconds counts.
        self._records = []
        self._bytes = 0
        self._removed = 0  # records that have left the queue since the start
        self._end = 0  # of the last batch: how many will have left when it was taken
        self._most = self._codec.batch_records  # in the next batch: fewer after a refusal
        self._max_bytes = max_bytes
        self.dropped = 0
        self.refused = 0

    def __len__(self):
        return len(self._records)

    def add(self, values, ts=None):
        """Queue values from the codec's record(); ts is in Unix milliseconds (None: now)."""
        if ts is None:
            ts = self._clock.now_ms()
        if ts is not None:
            ts = int(ts)
        self._records.append((values, ts, self._clock.uptime_ms()))
        self._bytes += len(values) + _OVERHEAD
        while self._bytes > self._max_bytes:
            self._remove()
            self.dropped += 1

    def batch(self):
        """Return the payload of the oldest records, or None: there is nothing to send yet.

        It fits a block, or is that of one larger record. Records wait for the time to be known.
        """
        batch = []
        size = 2  # the brackets
        for values, ts, uptime_ms in self._records:
            if ts is None:
                ts = self._clock.at(uptime_ms)
            size += len(values) + self._codec.batch_overhead
            if ts is None or batch and (size > _BATCH or len(batch) >= self._most):
                break
            batch.append((ts, values))
        self._end = self._removed + len(batch)
        return self._codec.batch(batch) if batch else None

    def accepted(self):
        """Forget the records of the last batch: the server has them."""
        while self._removed < self._end:
            self._remove()
        self._most = min(self._most * 2, self._codec.batch_records)

    def rejected(self):
        """Note that the server refuses a record of the last batch.

        The next batches are smaller, until the record is alone. Then it is dropped, and its
        values are returned.
        """
        count = self._end - self._removed  # below 1: it was dropped meanwhile
        if count > 1:
            self._most = count // 2
        elif count == 1:
            values, _, _ = self._records[0]
            self.refused += 1
            self.accepted()
            return values

    def _remove(self):
        values, _, _ = self._records.pop(0)
        self._bytes -= len(values) + _OVERHEAD
        self._removed += 1
