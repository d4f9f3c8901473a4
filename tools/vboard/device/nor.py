# A NOR flash chip kept in a file, as strict as the data sheet.
#
# Programming only clears bits, a page of 256 bytes at a time; erasing sets all bits of a block of
# 4096 bytes. The chip of a Pico W forgives nothing and reports nothing; this one ends the run
# ("fault") at the first byte that would not read back as it was written, at an address out of
# bounds and at a length that is not whole pages.
#
# Power can be made to fail at the n-th operation (a page programmed or a block erased), which is
# then not done, or half done. After that nothing runs any more.

from micropython import const

_BLOCK = const(4096)
_PAGE = const(256)
_ERASED_PAGE = b"\xff" * _PAGE

# ioctl operations of MicroPython's block device protocol
_COUNT = const(4)
_SIZE = const(5)
_ERASE = const(6)


class NOR:
    """A block device (MicroPython's protocol, with byte offsets) on the file at path.

    wear is a file of one 32-bit erase counter per block. stop(reason) is called for a fault or a
    power cut and must not return. cut_at counts from 1; 0 is never.
    """

    def __init__(self, path, wear, stop, cut_at=0, half=False):
        self.operations = 0
        self._file = open(path, "r+b")
        self._wear = open(wear, "r+b")
        self._stop = stop
        self._cut_at = cut_at
        self._half = half
        self._page = memoryview(bytearray(_PAGE))
        self._counter = bytearray(4)
        self._file.seek(0, 2)
        self._size = self._file.tell()

    def readblocks(self, block, buf, offset=0):
        address = block * _BLOCK + offset
        self._check(address, len(buf))
        self._file.seek(address)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        """Program whole pages; without an offset the blocks are erased first."""
        address = block * _BLOCK + (offset or 0)
        self._check(address, len(buf))
        if address % _PAGE or len(buf) % _PAGE:
            self._stop("fault: program of %d bytes at %d is not whole pages" % (len(buf), address))
        if offset is None:
            if len(buf) % _BLOCK:
                self._stop("fault: write of %d bytes is not whole blocks" % len(buf))
            for n in range(len(buf) // _BLOCK):
                self._erase(block + n)
        data = memoryview(buf)
        for start in range(0, len(buf), _PAGE):
            self._program(address + start, data[start : start + _PAGE])

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return self._size // _BLOCK
        if operation == _SIZE:
            return _BLOCK
        if operation == _ERASE:
            self._check(argument * _BLOCK, _BLOCK)
            self._erase(argument)
            return 0

    def _check(self, address, length):
        if address < 0 or address + length > self._size:
            self._stop("fault: %d bytes at %d are out of bounds" % (length, address))

    def _erase(self, block):
        length = self._done(_BLOCK)
        self._file.seek(block * _BLOCK)
        for _ in range(length // _PAGE):
            self._file.write(_ERASED_PAGE)
        if length == _BLOCK:
            self._count(block)
        else:
            self._stop("cut")

    def _program(self, address, data):
        length = self._done(_PAGE)
        page = self._page
        self._file.seek(address)
        self._file.readinto(page)
        if page != _ERASED_PAGE:
            for i in range(length):
                page[i] &= data[i]
            lost = page[:length] != data[:length]
            data = page
        else:
            lost = False
        self._file.seek(address)
        self._file.write(data[:length])
        if lost:
            self._stop("fault: the page at %d was not erased" % address)
        if length < _PAGE:
            self._stop("cut")

    def _done(self, length):
        # How much of an operation of this length takes place before the power fails.
        self.operations += 1
        if self.operations != self._cut_at:
            return length
        if not self._half:
            self._stop("cut")
        return length // 2

    def _count(self, block):
        counter = self._counter
        self._wear.seek(4 * block)
        self._wear.readinto(counter)
        n = int.from_bytes(counter, "little") + 1
        self._wear.seek(4 * block)
        self._wear.write(n.to_bytes(4, "little"))
