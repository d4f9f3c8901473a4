# The port rp2 (ports.py), and the module `rp2` of its programs: the flash behind the file system,
# and how that is mounted.

import vboard.protocol as protocol
import vfs
from micropython import const

from .machine import PWRON_RESET, WDT_RESET

# machine.reset() reboots by way of the watchdog here.
CAUSES = {
    protocol.POWER_ON: PWRON_RESET,
    protocol.RESET: WDT_RESET,
    protocol.WATCHDOG: WDT_RESET,
}
LONGEST_WATCHDOG_MS = 8388
EPOCH_YEAR = 1970
TICKS_STAND = True
TLS_IN_HEAP = True

_BLOCK = const(protocol.BLOCK)
_PAGE = const(protocol.PAGE)
_COUNT = const(4)  # operations of ioctl()
_SIZE = const(5)
_ERASE = const(6)

_chip = None


class Flash:
    """rp2.Flash(): a block device on the whole chip (ports/rp2/rp2_flash.c)."""

    def readblocks(self, block, buf, offset=0):
        _chip.read(block * _BLOCK + offset, buf)

    def writeblocks(self, block, buf, offset=None):
        """Program whole pages; without an offset the blocks are erased first."""
        if offset is None:
            for n in range((len(buf) + _BLOCK - 1) // _BLOCK):
                _chip.erase(block + n)
        _chip.program(block * _BLOCK + (offset or 0), buf)

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return _chip.size // _BLOCK
        if operation == _SIZE:
            return _BLOCK
        if operation == _ERASE:
            _chip.erase(argument)
            return 0


def start(chip, halt, *_):
    """Before the file system is mounted: there is no boot loader to speak of."""
    global _chip
    _chip = chip


def make_file_system():
    vfs.VfsLfs2.mkfs(Flash(), progsize=_PAGE)


def file_system():
    """As the stock `_boot.py`."""
    return vfs.VfsLfs2(Flash(), progsize=_PAGE)
