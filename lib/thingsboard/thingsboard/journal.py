# An outbox on flash: what was written outlives a power cut. Oldest dropped first, like the other.
#
# The oldest records are in RAM, as many as a batch takes; the newest are until they are written;
# those between are on flash alone. A record that the server takes before it is written never is:
# as long as the link is good, and writing may wait a little, the flash is left alone.

import os

from micropython import const

from . import memory, payload_json
from .outbox import Outbox
from .segments import FILE_BYTES, HEADER_BYTES, Segments

_RAM = const(8192)  # bytes of RAM for records, at most
_WINDOW = const(2048)  # bytes of RAM that the oldest take, where those after them are on flash
_RESERVE = const(12288)  # bytes of free memory, below which only those stay there
_LARGEST = FILE_BYTES - HEADER_BYTES  # bytes of a record
_LATEST = 9_000_000_000_000_000_000
_RETRY_MS = const(30_000)  # after the flash has refused
# So long a record waits for its time before it is written without: it is not sent before, either.
# Sent with a time, and after a power cut with another, it would count twice.
_UNTIMED_MS = const(60_500)
_EIO = const(5)
_ENOSPC = const(28)


class Journal(Outbox):
    """An Outbox whose records are in files of a folder; max_bytes of flash bound it.

    Records are written once there are `every` of them, or one is delay_ms old: 1 writes each at
    once. Times are fixed then, and records wait a minute for theirs. dropped counts what was lost
    to the bound, by files of 4 KB, and damaged what was not readable. problem: what keeps it from
    writing, an OSError, and records wait in RAM meanwhile; None. save() is not for it: finish()
    keeps what it can. born: where the clock has gone on through a deep sleep, what it was before;
    None: uptimes are those of this start. Another module os and another open() may be given.
    """

    def __init__(
        self,
        clock,
        folder="journal",
        codec=payload_json,
        max_bytes=65536,
        every=1,
        delay_ms=10_000,
        born=None,
        os=os,
        open=open,
    ):
        super().__init__(clock, codec, _RAM)
        self._files = max(2, max_bytes // FILE_BYTES)
        self._every = every
        self._delay_ms = delay_ms
        self._segments = segments = Segments(folder, os, open)
        # Records have numbers: the oldest is _removed. From there on _records holds them without
        # a gap. Those from segments.next on are not written.
        self._removed = segments.first
        self._next = segments.next  # of the next record to be added
        # Of the first one whose uptime counts.
        self.born = segments.next if born is None else born
        self._new = []  # entries that are not written, if _records does not reach them
        self._retry = 0  # uptime before which nothing is written after a failure
        self.damaged = 0
        self.problem = None

    def __len__(self):
        return self._next - self._removed

    def add(self, record, ts=None):
        """Queue what the codec's record() made; ts is in Unix milliseconds (None: now).

        Raises ValueError for a record that is larger than a file, and for a time beyond 64 bits.
        """
        entry = self._entry(record, ts, _LARGEST)
        if ts is not None and not -_LATEST < ts < _LATEST:
            raise ValueError("a time of %s" % ts)
        try:
            self._queue().append(entry)
        except MemoryError:
            self._shrink()
            self._queue().append(entry)
        self._next += 1
        self._bytes += entry[1]
        if self._next - self._segments.next >= self._every:
            self.keep(0)
        if self._bytes > _RAM or memory.is_short(_RESERVE):
            self._shrink()

    def batch(self):
        """Return the payload of the oldest records, or None, as an Outbox does."""
        segments = self._segments
        if self._loaded() < segments.next and sum([one[1] for one in self._records]) < _WINDOW:
            self._load(segments.read(self._loaded(), _WINDOW))
        self._queue()
        return super().batch()

    def keep(self, delay_ms=None):
        """Write what has waited for delay_ms; None: for as long as may be. Return the problem.

        To be called again and again; jobs.run() does. After a failure it waits a while.
        """
        now = self._clock.uptime_ms()
        if now >= self._retry:
            entries = self._unwritten()
            if entries:
                if delay_ms is None:
                    delay_ms = self._delay_ms
                if self._clock.now_ms() is None and None in [ts for _, _, ts, _ in entries]:
                    delay_ms = max(delay_ms, _UNTIMED_MS)
                if now - entries[0][3] >= delay_ms:
                    self.write()
            elif self.problem:  # what the server took may not be noted
                self.problem = None
                self._settle()
        return self.problem

    def write(self):
        """Write all that is not written, now; return how many records are left in RAM.

        `problem` says why.
        """
        segments = self._segments
        try:
            while segments.next < self._next:
                count = segments.append(self._timed())
                self._bytes -= sum([entry[1] for entry in self._new[:count]])
                self._new = self._new[count:]
                if len(segments) > self._files:
                    self._drop()
            self.problem = None
            self._retry = 0
        except (OSError, MemoryError) as error:
            self._failed(error)
        return self._next - segments.next

    def finish(self):
        """Write all that is not written, for RAM is about to be lost; return how many go with it.

        Where the file system is full the oldest files make room.
        """
        while (left := self.write()) and self.problem.args[0] == _ENOSPC and len(self._segments):
            self._drop()
        return left

    def _entry_of(self, number, record, time, timed):
        # A time before this start is unknown for ever: that of now stands for it.
        uptime = time if number >= self.born and not timed else self._clock.uptime_ms()
        return self._entry(record, time if timed else None, _LARGEST, uptime)

    def _load(self, found):
        # Take records of the flash behind those in RAM; what is damaged leaves a gap.
        if not (found or self._records):
            self._skip(self._segments.next)
        for one in found:
            if one[0] != self._loaded():
                if self._records:
                    return  # first those before the gap
                self._skip(one[0])
            entry = self._entry_of(*one)
            self._records.append(entry)
            self._bytes += entry[1]

    def _skip(self, number):
        self.damaged += number - self._removed
        self._removed = number
        self._settle()

    def _loaded(self):
        # The number that follows those of _records.
        return self._removed + len(self._records)

    def _queue(self):
        # Where a new entry belongs. What is not written may follow what is in RAM by now.
        if self._new and self._loaded() >= self._segments.next:
            self._records += self._new
            self._new = []
        return self._records if self._loaded() == self._next else self._new

    def _unwritten(self):
        return self._new or self._records[self._segments.next - self._removed :]

    def _timed(self):
        # What is not written, as Segments takes it; from now on its times stay.
        entries = self._unwritten()
        queue = self._new or self._records
        first = len(queue) - len(entries)
        timed = []
        for i, (record, size, ts, uptime) in enumerate(entries):
            if ts is None:
                ts = self._clock.at(uptime)
                queue[first + i] = record, size, ts, uptime
            timed.append((record, uptime if ts is None else ts, ts is not None))
        return timed

    def _shrink(self):
        # Leave in RAM what has no other place, and no more of it than may be.
        self.write()
        while self.problem and self._bytes > _RAM and len(self) > 1:
            if len(self._segments):
                self._drop()
                self.write()  # there is room now
            else:
                self._queue()
                self._remove()
                self._settle()  # its number stays free
                self.dropped += 1
        written = self._segments.next
        while self._bytes > _WINDOW and self._removed + 1 < self._loaded() <= written:
            self._bytes -= self._records.pop()[1]

    def _drop(self):
        # Give up the oldest file.
        removed = self._removed
        first = self._segments.drop()
        while self._records and self._removed < first:
            self._remove()
        self._removed = max(self._removed, first)
        self.dropped += self._removed - removed

    def _forget(self):
        super()._forget()
        self._settle()

    def _remove(self):
        if self._records:
            super()._remove()
        else:  # RAM was short, and it is on flash alone by now
            self._removed += 1

    def _settle(self):
        try:
            self._segments.forget(self._removed)
        except (OSError, MemoryError) as error:
            self._failed(error)

    def _failed(self, error):
        self._retry = self._clock.uptime_ms() + _RETRY_MS
        if not self.problem:
            full = error.args[:1] == (_ENOSPC,)
            words = "the file system is full, remove files" if full else repr(error)
            code = _ENOSPC if full else _EIO
            self.problem = OSError(code, "journal: %s; records wait in RAM" % words)
