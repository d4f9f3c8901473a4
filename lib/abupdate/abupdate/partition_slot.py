# Firmware on an ESP32 whose image has two app partitions (an OTA variant).
#
# The boot loader starts a new image once, and goes back unless it was confirmed: a power cut is
# enough for that. What runs is read from the partition table, never from our own state.

from micropython import const

from . import Refused
from .slot import Slot

_BLOCK = const(4096)  # what is erased and written at once
_BLOCKS_FILE = "firmware.blocks"  # holds how many blocks of the payload are written, big-endian


class PartitionSlot(Slot):
    """The app partition that does not run. partition is esp32.Partition.

    OSError if the image has one app partition only.
    """

    kind = "firmware"
    header_file = "firmware.package"

    def __init__(self, trial, board, partition):
        super().__init__(trial, board)
        running = partition(partition.RUNNING)
        self._running = running
        self._target = running.get_next_update()
        self._block = 0  # the number of the next one to be written; meaningless before begin()
        self._buf = bytearray()  # what came of that block; likewise
        trial.partition_started(_label(running))

    def write(self, buf):
        self._buf.extend(buf)
        while len(self._buf) >= _BLOCK:
            self._target.writeblocks(self._block, self._buf[:_BLOCK])
            self._buf = self._buf[_BLOCK:]
            self._block += 1
            self.trial.save(_BLOCKS_FILE, self._block.to_bytes(2, "big"))

    def activate(self):
        self.trial.activate("firmware", _label(self._target), self._manifest)
        try:
            self._target.set_boot()
        except OSError:
            reason = "the boot loader does not take it"
            self.trial.withdraw("firmware", reason)
            raise Refused(reason)

    def abort(self):
        pass  # how many blocks were written is in flash

    def confirm(self):
        try:
            self._running.mark_app_valid_cancel_rollback()
        except OSError:
            pass  # firmware that never was an update needs no confirmation
        super().confirm()

    def _begin(self):
        trial = self.trial
        header = self._manifest["header"]
        size = self._manifest["size"]
        if size > _size(self._target):
            raise Refused("larger than the partition")
        if self.stored() != header:
            trial.save(_BLOCKS_FILE, b"")
            trial.save(self.header_file, header)
        self._block = int.from_bytes(trial.read(_BLOCKS_FILE), "big")
        self._buf = bytearray()
        return min(self._block * _BLOCK, size)

    def _is_right(self, seen):
        self.write(b"\xff" * (-len(self._buf) % _BLOCK))
        if seen:
            seen(self.stored())
        _, found = self.trial.digest(_Reader(self._target, self._manifest["size"]).readinto, seen)
        ((_, _, digest),) = self._manifest["files"]
        if found == digest:
            return True
        self.trial.save(_BLOCKS_FILE, b"")  # which block is wrong is not known
        return False


class _Reader:
    # The first bytes of a partition, as a stream.
    def __init__(self, partition, size):
        self.partition = partition
        self.size = size
        self.offset = 0

    def readinto(self, buf):
        n = min(len(buf), self.size - self.offset)
        self.partition.readblocks(0, buf[:n], self.offset)
        self.offset += n
        return n


# What is where in esp32.Partition.info():


def _size(partition):
    return partition.info()[3]


def _label(partition):
    return partition.info()[4]
