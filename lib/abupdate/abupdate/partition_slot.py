# Firmware on an ESP32 whose image has two app partitions (an OTA variant).
#
# The boot loader starts a new image once, and goes back unless it was confirmed: a power cut is
# enough for that. What runs is read from the partition table, never from our own state.

from micropython import const

from . import Refused
from .header import files
from .slot import Slot

_BLOCK = const(4096)  # what is erased and written at once
_TRIES_MAX = const(3)
_BLOCKS_FILE = "firmware.blocks"  # holds how many blocks of the payload are written, big-endian


class PartitionSlot(Slot):
    """The app partition that does not run. partition is esp32.Partition.

    OSError if the image has one app partition only.
    """

    def __init__(self, trial, board, partition):
        super().__init__(trial, board, "firmware", "firmware.package")
        self._running = partition(partition.RUNNING)
        self._target = self._running.get_next_update()
        self._block = 0  # the number of the next one to be written; meaningless before begin()
        self._buf = bytearray()  # what came of that block; likewise
        self._note_running(_label(self._running))

    def begin(self, manifest):
        """Make room for a package (image.parse); return how much of its payload is there already.

        Raises Refused, before anything has changed, for what this board must not install.
        """
        self._admit(manifest)
        trial = self.trial
        if manifest["size"] > _size(self._target):
            raise Refused("larger than the partition")
        if not self.holds(manifest["header"]):
            trial.save(_BLOCKS_FILE, b"")
            trial.save(self.header_file, manifest["header"])
        self._block = int.from_bytes(trial.read(_BLOCKS_FILE), "big")
        self._buf = bytearray()
        return min(self._block * _BLOCK, manifest["size"])

    def write(self, buf):
        """Take the next bytes of the payload. OSError if the flash does not."""
        self._buf.extend(buf)
        while len(self._buf) >= _BLOCK:
            self._target.writeblocks(self._block, self._buf[:_BLOCK])
            self._buf = self._buf[_BLOCK:]
            self._block += 1
            self.trial.save(_BLOCKS_FILE, self._block.to_bytes(2, "big"))

    def finish(self, seen=None):
        """Read all back. Raises Refused if it is not what was signed.

        seen(buffer) gets the bytes of the package, header and payload, in order.
        """
        self.write(b"\xff" * (-len(self._buf) % _BLOCK))
        if seen:
            seen(self.stored())
        _, found = self.trial.digest(_Reader(self._target, self._manifest["size"]).readinto, seen)
        ((_, _, digest),) = files(self._manifest["header"])
        if found != digest:
            self.trial.save(_BLOCKS_FILE, b"")  # which block is wrong is not known
            raise Refused("the content does not match")

    def activate(self):
        """Let the next start run the package, on trial. OSError if the flash is full.

        Raises Refused if the boot loader does not take it; it is not taken again then.
        """
        trial = self.trial
        before = trial.state["firmware"]
        tries = 1  # the boot loader starts it once: each activation is a try
        if before["back"]["id"] == self._manifest["id"]:
            tries += before["tries"]
        trial.activate("firmware", _label(self._target), self._manifest, tries)
        try:
            self._target.set_boot()
        except OSError:
            reason = "the boot loader does not take it"
            trial.change("firmware", _given_up(trial.state["firmware"], reason))
            raise Refused(reason)

    def abort(self):
        """Leave what is there, for begin() to go on with: how many blocks were written."""

    def confirm(self):
        """What runs has reached the server: it stays. OSError if the flash is full."""
        try:
            self._running.mark_app_valid_cancel_rollback()
        except OSError:
            pass  # firmware that never was an update needs no confirmation
        if self.on_trial():  # else the tries are those of firmware that was given up
            return super().confirm()

    def _note_running(self, label):
        # The boot loader started this partition, perhaps not the one activated. What it gave up
        # may be activated again, without a download, until its tries are used up.
        #
        # Nothing is written: every start finds the same, until the next change of the state.
        record = self.trial.state["firmware"]
        if record["run"]["slot"] == label:
            return
        if record["tries"] >= _TRIES_MAX:
            fields = _given_up(record, record["error"] or "it never reached the server")
        else:
            fields = _given_up(record)
        if fields["run"]["slot"] != label:  # flashed by cable
            fields["run"] = {"slot": label, "id": 0, "title": "", "version": "", "sequence": 0}
        self.trial.note("firmware", fields)


def _given_up(record, refused_for=None):
    # What changes in a record: the firmware before runs, confirmed; that of now can be activated
    # again, or is refused, for this reason.
    fields = {"run": record["back"], "back": record["run"], "on_trial": False}
    if refused_for:
        fields.update(tries=0, failed=record["run"]["id"], reason=refused_for)
    return fields


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
