# A NOR flash chip kept in a file, as strict as the data sheet.
#
# Programming only clears bits, within a page of 256 bytes; erasing sets all bits of a block of
# 4096 bytes. A real chip forgives nothing and reports nothing; this one ends the run at the first
# byte that would not read back as it was written, and at an address out of bounds.
#
# Power can be made to fail at the n-th operation (a page programmed or a block erased), which is
# then not done, or half done. After that nothing runs any more.

from micropython import const

from . import protocol

BLOCK = const(4096)
PAGE = const(256)
_ERASED = b"\xff" * PAGE


class NOR:
    """The chip in the file at path; wear is a file of one 32-bit erase counter per block.

    halt(word, detail) is called for a fault or a power cut and must not return. unit: programming
    starts and ends at multiples of it. cut_at counts from 1; 0 is never.
    """

    def __init__(self, path, wear, halt, unit, cut_at, half):
        self.operations = 0
        self._file = open(path, "r+b")
        self._wear = open(wear, "r+b")
        self._halt = halt
        self._unit = unit
        self._cut_at = cut_at
        self._half = half
        self._page = memoryview(bytearray(PAGE))
        self._counter = bytearray(4)
        self._file.seek(0, 2)
        self.size = self._file.tell()

    def read(self, address, buf):
        self._check(address, len(buf))
        self._file.seek(address)
        self._file.readinto(buf)

    def erase(self, block):
        self._check(block * BLOCK, BLOCK)
        length = self._done(BLOCK)
        self._file.seek(block * BLOCK)
        for _ in range(length // PAGE):
            self._file.write(_ERASED)
        if length < BLOCK:
            self._halt(protocol.CUT)
        self._count(block)

    def program(self, address, buf):
        self._check(address, len(buf))
        if address % self._unit or len(buf) % self._unit:
            self._fault("%d bytes at %d are not whole pages" % (len(buf), address))
        data = memoryview(buf)
        start = 0
        while start < len(buf):
            end = start + PAGE - (address + start) % PAGE
            self._program(address + start, data[start:end])
            start = end

    def _check(self, address, length):
        if address < 0 or address + length > self.size:
            self._fault("%d bytes at %d are out of bounds" % (length, address))

    def _fault(self, detail):
        self._halt(protocol.FAULT, detail)

    def _program(self, address, data):
        length = self._done(len(data))
        page = self._page[:length]
        self._file.seek(address)
        self._file.readinto(page)
        lost = False
        result = data[:length]
        if page != _ERASED[:length]:
            for i in range(length):
                page[i] &= data[i]
            lost = page != result
            result = page
        self._file.seek(address)
        self._file.write(result)
        if lost:
            self._fault("the page at %d was not erased" % address)
        if length < len(data):
            self._halt(protocol.CUT)

    def _done(self, length):
        # How much of an operation of this length takes place before the power fails.
        self.operations += 1
        if self.operations != self._cut_at:
            return length
        if not self._half:
            self._halt(protocol.CUT)
        return length // 2

    def _count(self, block):
        counter = self._counter
        self._wear.seek(4 * block)
        self._wear.readinto(counter)
        n = int.from_bytes(counter, "little") + 1
        self._wear.seek(4 * block)
        self._wear.write(n.to_bytes(4, "little"))
