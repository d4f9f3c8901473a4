# Firmware on an ESP32 whose image has two app partitions (an OTA variant). slot.py draws the
# interface; the partition that does not run is the slot.
#
# The boot loader starts a new image once, and goes back unless it was confirmed: a power cut is
# enough for that. What runs is read from the partition table, never from our own state.

from micropython import const

from . import Refused
from .slot import Slot

_BLOCK = const(4096)  # what is erased and written at once
_TRIES_MAX = const(3)  # activations of one package

_RUN = const(0)  # in a record of trial.py
_BACK = const(1)
_TRIES = const(3)
_ERROR = const(5)


class PartitionSlot(Slot):
    """The app partition that does not run. partition is esp32.Partition.

    OSError if the image has one app partition only.
    """

    kind = "firmware"
    header = "firmware.package"

    def __init__(self, trial, board, partition):
        super().__init__(trial, board)
        running = partition(partition.RUNNING)
        self._target = running.get_next_update()
        self._confirm = running.mark_app_valid_cancel_rollback
        label = running.info()[4]
        r = trial.state["firmware"]
        run, back = r[:2]
        if run[0] != label:
            # The boot loader went back. The same package may be activated again, without a
            # download, until its tries are used up.
            r[:_TRIES] = [back if back[0] == label else [label, 0, "", "", 0], run, False]
            if r[_TRIES] >= _TRIES_MAX:
                r[_TRIES] = 0
                trial.refuse("firmware", run[1], r[_ERROR])

    def begin(self, manifest):
        super().begin(manifest)
        trial = self.trial
        size = manifest["size"]
        if size > self._target.info()[3]:
            raise Refused("larger than the partition")
        if self.stored() != manifest["header"]:
            trial.save("firmware.blocks", b"")
            trial.save(self.header, manifest["header"])
        self._block = int.from_bytes(trial.read("firmware.blocks"), "big")
        self._buf = bytearray()  # less than a block
        return min(self._block * _BLOCK, size)

    def write(self, buf):
        self._buf.extend(buf)
        while len(self._buf) >= _BLOCK:
            self._target.writeblocks(self._block, self._buf[:_BLOCK])
            self._buf = self._buf[_BLOCK:]
            self._block += 1
            self.trial.save("firmware.blocks", self._block.to_bytes(2, "big"))

    def activate(self):
        r = self.trial.state["firmware"]
        m = self._manifest
        tries = r[_TRIES] if r[_BACK][1] == m["id"] else 0
        self.trial.activate("firmware", self._target.info()[4], m, tries + 1)
        try:
            self._target.set_boot()
        except OSError:
            r[:_TRIES] = [r[_BACK], r[_RUN], False]
            reason = "the boot loader does not take it"
            self.trial.refuse("firmware", m["id"], reason)
            raise Refused(reason)

    def abort(self):
        pass  # what was written is known

    def confirm(self):
        try:
            self._confirm()
        except OSError:
            pass  # firmware that never was an update needs no confirmation
        super().confirm()

    def _right(self, seen):
        self.write(b"\xff" * (-len(self._buf) % _BLOCK))
        seen(self.stored())
        self._read = 0
        _, found = self.trial.digest(self._readinto, seen)
        if found == self._manifest["files"][0][2]:
            return True
        self.trial.save("firmware.blocks", b"")  # which one is wrong is not known

    def _readinto(self, buf):
        n = min(len(buf), self._manifest["size"] - self._read)
        self._target.readblocks(0, buf[:n], self._read)
        self._read += n
        return n
