# Telemetry that waits for the server: a bounded queue, oldest dropped first. Sans-I/O.

from micropython import const

from . import payload_json

_RECORDS = const(64)  # in a batch, at most
_OVERHEAD = const(64)  # bytes of RAM that a record takes beside its values


class Outbox:
    """Records on their way to the server, one batch at a time.

    batch() returns the payload to send; then accepted() or rejected() says what became of it.
    codec makes payloads (payload_json.py). max_bytes of RAM bound the queue; dropped counts what
    was lost to that, refused what the server would not take.
    """

    def __init__(self, clock, codec=payload_json, max_bytes=16384):
        self._clock = clock
        self.codec = codec
        # (record, ts, uptime) of each: ts in Unix milliseconds, or None until it is first
        # sent, and the uptime in milliseconds counts: the clock may be put right meanwhile.
        self._records = []
        self._bytes = 0
        self._removed = 0  # records that have left the queue since the start
        self._end = 0  # of the last batch: how many will have left when it was taken
        self._most = _RECORDS  # in the next batch: fewer after a refusal
        self._max_bytes = max_bytes
        self.dropped = 0
        self.refused = 0

    def __len__(self):
        return len(self._records)

    def add(self, record, ts=None):
        """Queue what the codec's record() made; ts is in Unix milliseconds (None: now)."""
        if ts is not None:
            ts = int(ts)
        self._records.append((record, ts, self._clock.uptime_ms()))
        self._bytes += len(record) + _OVERHEAD
        while self._bytes > self._max_bytes:
            self._remove()
            self.dropped += 1

    def batch(self):
        """Return the payload of the oldest records, or None: there is nothing to send yet.

        Records wait for the time to be known.
        """
        records = []
        for i in range(min(self._most, len(self._records))):
            record, ts, uptime_ms = self._records[i]
            if ts is None:
                ts = self._clock.at(uptime_ms)
            if ts is None:
                break
            self._records[i] = record, ts, uptime_ms  # sent again it has the same time
            records.append((record, ts))
        if records:
            count, payload = self.codec.batch(records)
            self._end = self._removed + count
            return payload

    def accepted(self):
        """Forget the records of the last batch: the server has them."""
        while self._removed < self._end:
            self._remove()
        self._most = min(self._most * 2, _RECORDS)

    def rejected(self):
        """Note that the server refuses a record of the last batch.

        The next batches are smaller, until the record is alone. Then it is dropped and returned.
        """
        count = self._end - self._removed  # below 1: it was dropped meanwhile
        if count > 1:
            self._most = count // 2
        elif count == 1:
            record, _, _ = self._records[0]
            self.refused += 1
            self.accepted()
            return record

    def _remove(self):
        record, _, _ = self._records.pop(0)
        self._bytes -= len(record) + _OVERHEAD
        self._removed += 1
