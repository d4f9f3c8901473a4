# Telemetry that waits for the server: a bounded queue, oldest dropped first. Sans-I/O.

import json
from binascii import hexlify, unhexlify

from coap import Fit
from micropython import const

from . import memory, payload_json

_RECORDS = const(64)  # in a batch, at most
_RESERVE = const(12288)  # bytes of free memory, below which the oldest record makes room
_OVERHEAD = const(64)  # bytes of RAM that a record takes beside its values
# So long a record waits for its time: a minute, and what an answer takes to a second look at it.
_UNTIMED_MS = const(60_500)


class Outbox:
    """Records on their way to the server, one batch at a time.

    batch() returns the payload to send; then accepted(), rejected() or failed() says what became
    of it. codec makes payloads (payload_json.py). max_bytes of RAM bound the queue; dropped counts
    what was lost to that, refused what the server would not take.
    """

    def __init__(self, clock, codec=payload_json, max_bytes=16384):
        self._clock = clock
        self.codec = codec
        # (record, size, ts, uptime) of each: its bytes with overhead; ts in Unix milliseconds, or
        # None until it is first sent, and the uptime in milliseconds counts: the clock may be put
        # right meanwhile.
        self._records = []
        self._bytes = 0
        self._removed = 0  # records that have left the queue since the start
        self._end = 0  # of the last batch: how many will have left when it was taken
        self._cut = False  # whether the last batch left records behind
        self._untimed = False  # whether that had a record without its time
        self._timeless = False  # the server takes such records, and nobody knows the time
        self._most = _RECORDS  # in the next batch: fewer after a refusal
        self._fit = Fit()  # bytes of a batch: fewer when none arrives, or the server has trouble
        self._max_bytes = max_bytes
        self.dropped = 0
        self.refused = 0

    def __len__(self):
        return len(self._records)

    def add(self, record, ts=None):
        """Queue what the codec's record() made; ts is in Unix milliseconds (None: now).

        Where memory is short the oldest record makes room. Raises ValueError for a record that is
        larger than the whole queue.
        """
        entry = self._entry(record, ts, self._max_bytes - _OVERHEAD)
        size = entry[1]
        try:
            self._records.append(entry)
        except MemoryError:  # a list grows by doubling, in one piece
            if not self._records:
                raise
            self._remove()
            self.dropped += 1
            self._records.append(entry)
        self._bytes += size
        most = self._max_bytes
        if memory.is_short(_RESERVE):
            most = min(most, self._bytes - size)  # so that the queue does not grow
        while self._bytes > most and len(self._records) > 1:
            self._remove()
            self.dropped += 1

    def batch(self):
        """Return the payload of the oldest records, or None: there is nothing to send yet.

        Records wait for the time to be known, but no longer than a minute. Then they go without,
        one in a batch: the server takes the time at which the batch arrives, and keeps one value
        of a key for it.
        """
        records = []
        untimed = 0
        for i in range(min(self._most, len(self._records))):
            record, size, ts, uptime_ms = self._records[i]
            if ts is None:
                ts = self._clock.at(uptime_ms)
            if ts is None:
                untimed += 1
                if untimed > 1 or self._wait_ms(uptime_ms) > 0:
                    break
            else:
                self._records[i] = record, size, ts, uptime_ms  # sent again it has the same time
            records.append((record, ts))
        if records:
            count, payload = self.codec.batch(records, self._fit.size)
            self._untimed = None in [ts for _, ts in records[:count]]
            self._end = self._removed + count
            self._cut = count < len(self._records)
            return payload

    def wait_ms(self):
        """Return in how many milliseconds a record goes without its time; None: none waits."""
        for _, _, _, uptime_ms in self._records[:1]:
            return max(0, self._wait_ms(uptime_ms))

    def accepted(self):
        """Forget the records of the last batch: the server has them."""
        self._timeless = self._timeless or self._untimed
        self._forget()
        self._most = min(self._most * 2, _RECORDS)
        if self._cut:  # a batch that took all there was tells nothing about larger ones
            self._fit.worked()

    def failed(self):
        """Note that the last batch had no answer, or one that blames no record.

        After repeated failures the next batches are smaller, and larger again after successes.
        """
        self._timeless = False
        self._fit.failed()

    def rejected(self):
        """Note that the server refuses a record of the last batch.

        The next batches are smaller, until the record is alone. Then it is dropped and returned.
        """
        count = self._end - self._removed  # below 1: it was dropped meanwhile
        if count > 1:
            self._most = count // 2
        elif count == 1:
            record, _, _, _ = self._records[0]
            self.refused += 1
            self._forget()
            self._most = min(self._most * 2, _RECORDS)
            return record

    def save(self, file):
        """Write the waiting records to a binary file: a line of JSON each, [ts or null, record].

        What is no text (another codec's) is written in hex, as [ts, hex, true].
        """
        for record, _, ts, uptime_ms in self._records:
            if ts is None:
                ts = self._clock.at(uptime_ms)
            line = [ts, record]
            if not isinstance(record, str):
                line = [ts, hexlify(record).decode(), True]
            file.write((json.dumps(line) + "\n").encode())

    def load(self, file):
        """Queue the records that save() wrote; return how many lines were not readable.

        A record whose time was never known gets that of now. Lines that are cut, damaged or too
        large are left out.
        """
        damaged = 0
        most = 2 * self._max_bytes  # bytes of a line: the JSON or the hex of the largest record
        while line := file.readline(most):
            try:
                if line[-1:] != b"\n":
                    raise ValueError("cut short")  # MicroPython 1.25 takes cut JSON for whole
                ts, record, *binary = json.loads(line)
                if binary:
                    record = unhexlify(record)
                elif not isinstance(record, str):
                    raise ValueError("no record")
                self.add(record, ts)
            except (ValueError, TypeError, OverflowError, RuntimeError):  # also too deep
                damaged += 1
        return damaged

    def _entry(self, record, ts, most, uptime_ms=None):
        # As it stands in _records. Raises ValueError for a record of more bytes than `most`.
        if ts is not None:
            ts = int(ts)
        # The length of a text is in characters.
        size = len(record.encode() if isinstance(record, str) else record)
        if size > most:
            raise ValueError("a record of %d bytes is too large for the outbox" % size)
        if uptime_ms is None:
            uptime_ms = self._clock.uptime_ms()
        return record, size + _OVERHEAD, ts, uptime_ms

    def _wait_ms(self, uptime_ms):
        # For its time; not at all while those before it go without.
        if self._timeless:
            return 0
        return uptime_ms + _UNTIMED_MS - self._clock.uptime_ms()

    def _forget(self):
        while self._removed < self._end:
            self._remove()

    def _remove(self):
        _, size, _, _ = self._records.pop(0)
        self._bytes -= size
        self._removed += 1
