# Numbered records in the files of a folder: appended at the end, forgotten from the beginning.
#
# A file has the name of its first record's number, in hex, and at most a block of flash: removing
# it gives the block back. Nothing in a file is ever changed. The file `head` has the number of the
# oldest record that is wanted still; it is needed only while a file holds both kinds.
#
# Each record has a CRC. Where one is wrong the next record is looked for, so that damage costs
# what it hit.

import os
import struct
from binascii import crc32

from micropython import const

FILE_BYTES = const(4096)  # LittleFS keeps so many in one block, and larger files in two
HEADER_BYTES = const(20)
_HEADER = const("<BBHIqI")  # magic, flags, bytes that follow, number, time, CRC of all but itself
_SIGNED = const(16)  # bytes of the header before the CRC
_MAGIC = const(0xA7)
_TEXT = const(1)  # flags: the record is a str,
_TIMED = const(2)  # and its time a Unix time; else an uptime
_HEAD = const("/head")
_IS_FOLDER = const(0x4000)  # in the mode that os.stat() tells; more than FILE_BYTES


class Segments:
    """The files of a folder, which is made when there is something to write.

    first: the number of the oldest record that is wanted; next: of the next one to be written.
    Another module os and another open() may be given.
    """

    def __init__(self, folder, os=os, open=open):
        self._folder = folder
        self._os = os
        self._open = open
        self._firsts = []  # the number of each file's first record, ascending
        self._size = 0  # bytes of the last file
        try:
            names = os.listdir(folder)
        except OSError:
            names = ()
        for name in names:
            try:
                first = int(name, 16)
                if name == "%08x" % first < "f":  # no journal lives longer
                    self._firsts.append(first)
            except ValueError:
                pass  # the head
        self._firsts.sort()
        self.first = self.next = head = self._read_head()
        if self._firsts:
            self.next = last = self._firsts[-1]
            stat = os.stat(self._name(last))
            self._size = stat[6] or stat[0] & _IS_FOLDER  # nothing goes into a folder
            for record in self._records(last, last, FILE_BYTES):
                self.next = record[0] + 1
            if self.next == last and self._size:
                self.next += 1  # nothing of it is readable: no other file may have its name
            self.first = max(head, self._firsts[0])
            self.next = max(head, self.next)
            self._clear(head)  # the power may have failed in the middle of it

    def __len__(self):
        return len(self._firsts)

    def append(self, records):
        """Write (record, time, timed) to one file, as many as fit; return how many did.

        Raises OSError; then none counts as written.
        """
        frame = self._frame(0, records[0])
        new = not self._firsts or self._size + len(frame) > FILE_BYTES
        first = self.next if new else self._firsts[-1]
        size = 0 if new else self._size
        count = 0
        try:
            if new and not self._firsts:
                try:
                    self._os.mkdir(self._folder)
                except OSError:
                    pass  # it is there; if it is not, writing to it says why
            with self._open(self._name(first), "ab") as f:
                while frame:
                    f.write(frame)
                    size += len(frame)
                    count += 1
                    frame = None
                    if count < len(records):
                        frame = self._frame(count, records[count])
                        if size + len(frame) > FILE_BYTES:
                            break
        except (OSError, MemoryError):
            if new:
                self._remove(first)
            else:  # a part may have been written
                self._size = self._os.stat(self._name(first))[6]
            raise
        if new:
            self._firsts.append(first)
        self._size = size
        self.next += count
        return count

    def read(self, number, most):
        """Return [(number, record, time, timed), ..] from a number on, about `most` bytes.

        They are of one file. What is damaged is left out.
        """
        for i, first in enumerate(self._firsts):
            if i + 1 == len(self._firsts) or self._firsts[i + 1] > number:
                records = self._records(first, number, most)
                if records:
                    return records
        return []

    def forget(self, number):
        """Records before this number are not wanted any more. Raises OSError."""
        if number > self.first:
            self.first = number
            self.next = max(self.next, number)
        if number < self.next and number not in self._firsts:
            head = number.to_bytes(4, "big")
            # Closing replaces the content, at once and whole.
            with self._open(self._folder + _HEAD, "wb") as f:
                f.write(head + crc32(head, _MAGIC).to_bytes(4, "big"))
        self._clear(number)

    def drop(self):
        """Forget the oldest file, of one or more; return the number that follows it."""
        self.forget(self._end())
        return self.first

    def _clear(self, number):
        # Remove the files that have none from this number on.
        while self._firsts and self._end() <= number:
            self._remove(self._firsts.pop(0))

    def _end(self):
        # The number that follows those of the oldest file.
        return self._firsts[1] if len(self._firsts) > 1 else self.next

    def _frame(self, count, record):
        data, time, timed = record
        flags = _TIMED if timed else 0
        if isinstance(data, str):
            flags |= _TEXT
            data = data.encode()
        header = struct.pack(_HEADER, _MAGIC, flags, len(data), self.next + count, time, 0)
        crc = crc32(data, crc32(header[:_SIGNED]))
        return header[:_SIGNED] + crc.to_bytes(4, "little") + data

    def _records(self, first, number, most):
        # Those of one file, as read() returns them.
        found = []
        try:
            with self._open(self._name(first), "rb") as f:
                at = 0
                while most > 0 and at < FILE_BYTES:
                    f.seek(at)
                    header = f.read(HEADER_BYTES)
                    if len(header) < HEADER_BYTES:
                        break
                    magic, flags, size, its, time, crc = struct.unpack(_HEADER, header)
                    data = b""
                    if magic == _MAGIC and size <= FILE_BYTES:
                        data = f.read(size)
                    if data and crc32(data, crc32(header[:_SIGNED])) == crc:
                        at += HEADER_BYTES + size
                        if its >= number:
                            record = data.decode() if flags & _TEXT else data
                            found.append((its, record, time, flags & _TIMED > 0))
                            number = its + 1
                            most -= HEADER_BYTES + size
                        continue
                    after = header.find(b"\xa7", 1)
                    at += after if after > 0 else HEADER_BYTES
        except OSError:
            pass  # a block of it is damaged
        return found

    def _read_head(self):
        try:
            with self._open(self._folder + _HEAD, "rb") as f:
                data = f.read(8)
        except OSError:
            return 0  # there is none
        head = data[:4]
        if crc32(head, _MAGIC) == int.from_bytes(data[4:], "big"):
            return int.from_bytes(head, "big")
        return 0

    def _name(self, first):
        return "%s/%08x" % (self._folder, first)

    def _remove(self, first):
        try:
            self._os.remove(self._name(first))
        except OSError:
            pass  # it is gone, or stays until the next start
