# A NOR flash chip kept in a file, as strict as the data sheet.
#
# Programming only clears bits, within a page of 256 bytes; erasing sets all bits of a block of
# 4096 bytes. A real chip forgives nothing and reports nothing; this one ends the run at the first
# byte that would not read back as it was written, and at an address out of bounds.
#
# Power can be made to fail at the n-th operation (a page programmed or a block erased), which is
# then not done, or half done. After that nothing runs any more.

import vboard.protocol as protocol
from micropython import const

_BLOCK = const(protocol.BLOCK)
_PAGE = const(protocol.PAGE)


class NOR:
    """The chip in the file at path; wear is a file of one 32-bit erase counter per block.

    halt(word, detail) is called for a fault or a power cut and must not return. unit: programming
    starts and ends at multiples of it. cut_at counts from 1; 0 is never. The program under test
    shares the heap: no operation takes memory for a page or a block.
    """

    def __init__(self, path, wear, halt, unit, cut_at, half):
        self._file = open(path, "r+b")
        self._wear = open(wear, "r+b")
        self._halt = halt
        self._unit = unit
        self._cut_in = (
            cut_at  # operations left until power fails; if it starts at 0, it never does
        )
        self._half = half
        self._buf = memoryview(bytearray(_PAGE))
        self._file.seek(0, 2)
        self.size = self._file.tell()

    def read(self, address, buf):
        self._check(address, len(buf))
        self._file.seek(address)
        self._file.readinto(buf)

    def erase(self, block):
        self._check(block * _BLOCK, _BLOCK)
        length = self._done(_BLOCK)
        self._file.seek(block * _BLOCK)
        for i in range(_PAGE):
            self._buf[i] = 0xFF
        for _ in range(length // _PAGE):
            self._file.write(self._buf)
        if length < _BLOCK:
            self._halt(protocol.CUT)
        self._count(block)

    def program(self, address, buf):
        self._check(address, len(buf))
        if address % self._unit or len(buf) % self._unit:
            detail = "%d bytes at %d are not whole pages" % (len(buf), address)
            self._halt(protocol.FAULT, detail)
        data = memoryview(buf)
        start = 0
        while start < len(buf):
            end = start + _PAGE - (address + start) % _PAGE
            self._program(address + start, data[start:end])
            start = end

    def _check(self, address, length):
        if address < 0 or address + length > self.size:
            self._halt(protocol.FAULT, "%d bytes at %d are out of bounds" % (length, address))

    def _program(self, address, data):
        length = self._done(len(data))
        page = self._buf[:length]
        self._file.seek(address)
        self._file.readinto(page)
        for i in range(length):
            page[i] &= data[i]
        self._file.seek(address)
        self._file.write(page)
        if page != data[:length]:
            self._halt(protocol.FAULT, "the page at %d was not erased" % address)
        if length < len(data):
            self._halt(protocol.CUT)

    def _done(self, length):
        # How much of an operation of this length takes place before the power fails.
        self._cut_in -= 1
        if self._cut_in:
            return length
        if not self._half:
            self._halt(protocol.CUT)
        return length // 2

    def _count(self, block):
        counter = self._buf[:4]
        self._wear.seek(4 * block)
        self._wear.readinto(counter)
        n = int.from_bytes(counter, "little") + 1
        self._wear.seek(4 * block)
        self._wear.write(n.to_bytes(4, "little"))
