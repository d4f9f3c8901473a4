# The port esp32 (ports.py), and the module `esp32` of its programs: the partitions of
# MicroPython's stock images, with one application or two and otadata, and the rules of ESP-IDF and
# of ports/esp32/esp32_partition.c.

import errno

import vboard.protocol as protocol
import vfs
from micropython import const

from . import bootloader
from .machine import HARD_RESET, PWRON_RESET, WDT_RESET

CAUSES = {
    protocol.POWER_ON: PWRON_RESET,
    protocol.RESET: HARD_RESET,
    protocol.WATCHDOG: WDT_RESET,
    protocol.DEEP_SLEEP: 4,
}
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
LONGEST_WATCHDOG_MS = 1 << 30
EPOCH_YEAR = 2000
TICKS_STAND = False
TLS_IN_HEAP = False

_BLOCK = const(protocol.BLOCK)
_APP = const(0)
_DATA = const(1)
_OTADATA = const(0xD000)
_APP_AT = const(0x10000)
_APPS = const(("ota_0", "ota_1"))

# label: (type, subtype, address, size), as in ports/esp32/partitions-*.csv; start() fills it in
_TABLE = {"phy_init": (_DATA, 0x01, 0xF000, 0x1000)}

# ESP-IDF's errors, which come as negative numbers
_INVALID_ARG = const(-0x102)
_INVALID_SIZE = const(-0x104)
_NOT_FOUND = const(-0x105)
_VALIDATE_FAILED = const(-0x1503)
_FAIL = const(1)

_COUNT = const(4)  # operations of ioctl()
_SIZE = const(5)
_ERASE = const(6)

_chip = None
_halt = None
_running = None


class Partition:
    TYPE_APP = _APP
    TYPE_DATA = _DATA
    BOOT = 0
    RUNNING = 1

    def __init__(self, id, block_size=_BLOCK):
        if block_size != _BLOCK:
            raise ValueError("only blocks of %d bytes here" % _BLOCK)
        if id == self.RUNNING:
            id = _running
        elif id == self.BOOT and _otadata() is None:
            id = _running
        elif id == self.BOOT:
            data = _otadata()
            n = data.active()
            id = _APPS[0 if n is None else (data.entries[n][0] - 1) % 2]
        if id not in _TABLE:
            raise OSError(errno.ENOENT)
        self._label = id
        self._type, self._subtype, self._address, self._size = _TABLE[id]

    @staticmethod
    def find(type=_APP, subtype=0xFF, label=None, block_size=_BLOCK):
        found = []
        for name, (its_type, its_subtype, _, _) in _TABLE.items():
            if type == its_type and subtype in (0xFF, its_subtype) and label in (None, name):
                found.append(Partition(name, block_size))
        return sorted(found, key=lambda partition: partition._address)

    def info(self):
        return (self._type, self._subtype, self._address, self._size, self._label, False)

    def readblocks(self, block, buf, offset=0):
        _chip.read(self._at(block * _BLOCK + offset, len(buf)), buf)

    def writeblocks(self, block, buf, offset=None):
        """Program; without an offset whole blocks are erased first."""
        address = self._at(block * _BLOCK + (offset or 0), len(buf))
        self._guard()
        if offset is None:
            if len(buf) % _BLOCK:
                raise OSError(_INVALID_SIZE)
            for n in range(len(buf) // _BLOCK):
                _chip.erase(address // _BLOCK + n)
        _chip.program(address, buf)

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return self._size // _BLOCK
        if operation == _SIZE:
            return _BLOCK
        if operation == _ERASE:
            address = self._at(argument * _BLOCK, _BLOCK)
            self._guard()
            _chip.erase(address // _BLOCK)
            return 0
        if operation in (1, 2, 3):  # init, deinit, sync
            return 0

    def get_next_update(self):
        return Partition(_APPS[1 if self._label == _APPS[0] else 0])  # ENOENT if there is none

    def set_boot(self):
        if self._type != _APP:
            raise OSError(_INVALID_ARG)
        if not bootloader.verify(_chip, self._address, self._size):
            raise OSError(_VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED")
        _needed_otadata().activate(_APPS.index(self._label))

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        if not _needed_otadata().confirm():
            raise OSError(_FAIL)

    def _at(self, offset, length):
        if not 0 <= offset <= self._size:
            raise OSError(_INVALID_ARG)
        if offset + length > self._size:
            raise OSError(_INVALID_SIZE)
        return self._address + offset

    def _guard(self):
        if self._label == _running:  # SPI_FLASH_DANGEROUS_WRITE_ABORTS
            _halt(protocol.FAULT, "the running partition is written to")


def _otadata():
    return bootloader.OTAData(_chip, _OTADATA) if "otadata" in _TABLE else None


def _needed_otadata():
    data = _otadata()
    if data is None:
        raise OSError(_NOT_FOUND)
    return data


def _partition(vfs_at, apps):
    # The applications share what lies before the file system, which has the rest.
    _TABLE["vfs"] = (_DATA, 0x81, vfs_at, _chip.size - vfs_at)
    size = (vfs_at - _APP_AT) // apps
    if apps == 1:
        _TABLE["nvs"] = (_DATA, 0x02, 0x9000, 0x6000)
        _TABLE["factory"] = (_APP, 0x00, _APP_AT, size)
    else:
        _TABLE["nvs"] = (_DATA, 0x02, 0x9000, 0x4000)
        _TABLE["otadata"] = (_DATA, 0x00, _OTADATA, 0x2000)
        for n in range(apps):
            _TABLE[_APPS[n]] = (_APP, 0x10 + n, _APP_AT + n * size, size)


def start(chip, halt, vfs_at, apps):
    """Before the file system is mounted: the boot loader chooses what runs."""
    global _chip, _halt, _running
    _chip = chip
    _halt = halt
    _partition(vfs_at, apps)
    if apps == 1:
        _, _, address, size = _TABLE["factory"]
        if not bootloader.verify(chip, address, size, app=True):
            halt(protocol.FAULT, "no partition can be started")
        _running = "factory"
        return
    data = _otadata()
    first = data.select()
    order = list(range(len(_APPS)))
    if first is not None:
        order = list(range(first, -1, -1)) + order[first + 1 :]
    for app in order:
        _, _, address, size = _TABLE[_APPS[app]]
        if bootloader.verify(chip, address, size, app=True):
            data.started(app)
            _running = _APPS[app]
            return
    halt(protocol.FAULT, "no partition can be started")


def make_file_system():
    vfs.VfsLfs2.mkfs(Partition("vfs"))


def file_system():
    """As the stock `_boot.py`, by way of vfs.mount()."""
    return vfs.VfsLfs2(Partition("vfs"))
