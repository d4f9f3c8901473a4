# Where a package goes. Every slot has one interface:
#
#   stored() -> header of the package it holds, whole or begun; b"" if none
#   begin(manifest) -> how much of the payload is there already; refuses before it changes anything
#   write(buf) · finish(seen) · activate(), then reset the board · abort(): begin() can resume
#   on_trial() -> whether what runs is · confirm(): it has reached the server, and stays
#   current() -> [title, version] of what runs; empty if unknown

from micropython import const

from . import Refused

_CHECKPOINT = const(12)  # at most 1 << 12 bytes of a file are lost by a power cut
_SPARE = const(8)  # blocks for the folders, the header, and what LittleFS copies on write

_RUN = const(0)  # in a record of trial.py
_TRIAL = const(2)
_TRIES = const(3)
_FLOOR = const(4)
_FAILED = const(6)


class Slot:
    """What slots have in common. trial is the started Trial, board the name of this board."""

    header = None  # the name of the file that holds it, if not in the spare folder

    def __init__(self, trial, board):
        self.trial = trial
        self.board = board
        self.header = self.header or trial.spare + "/PACKAGE"

    def current(self):
        return self.trial.state[self.kind][_RUN][2:4]

    def on_trial(self):
        r = self.trial.state[self.kind]
        return r[_TRIAL] and r[_TRIES]  # no tries: activated, but not started

    def confirm(self):
        self.trial.confirm(self.kind)

    def stored(self):
        return self.trial.read(self.header)

    def begin(self, manifest):
        # Refuse what this board must not install.
        m = manifest
        r = self.trial.state[self.kind]
        if m["kind"] != self.kind:
            raise Refused("this slot takes %s, not %s" % (self.kind, m["kind"]))
        if self.board not in m["boards"]:
            raise Refused("this board is %s, not %s" % (self.board, m["boards"]))
        if self.trial.unconfirmed():
            raise Refused("the last update is still on trial")
        if m["id"] == r[_FAILED][0]:
            raise Refused("it failed here before: " + r[_FAILED][1])
        if m["sequence"] < r[_FLOOR]:
            raise Refused("sequence %d is older than %d" % (m["sequence"], r[_FLOOR]))
        self._manifest = m

    def finish(self, seen=len):
        """Read all back. Raises Refused if it is not what was signed.

        seen(buffer) gets the bytes of the container, in order.
        """
        if not self._right(seen):
            raise Refused("the content does not match")


class AppSlot(Slot):
    """The inactive one of two folders: any board, stock firmware.

    Takes the application and the libraries it came with. The header, in the file `PACKAGE`, is
    written when the folder is empty: what stands beside an equal header belongs to it.
    """

    kind = "app"
    _file = None  # being written

    def begin(self, manifest):
        super().begin(manifest)
        self.abort()
        trial = self.trial
        folder = trial.root + trial.spare
        files = manifest["files"]
        space = trial.os.statvfs(trial.root)
        block = space[0]
        need = _SPARE
        for _, size, _ in files:
            need += 1 + size // block
        free = space[4]
        if free > space[2]:  # LittleFS that is full counts on below 0
            free = 0
        free += self._tree(folder, block)
        if need > free:
            raise Refused("needs %d blocks of flash, %d are free" % (need, free))
        if self.stored() != manifest["header"]:
            self._tree(folder, 0)
            trial.os.mkdir(folder)
            trial.save(self.header, manifest["header"])
        _, done = trial.check(trial.spare)
        self._files = iter(files)  # those after the one being written
        self._left = -done  # bytes which that file wants; below 0: bytes to pass over
        self._next()
        return done

    def write(self, buf):
        while buf:
            left = self._left
            n = min(len(buf), left)
            self._file.write(buf[:n])
            buf = buf[n:]
            self._left = left - n
            if left == n:
                self._next()
            elif (left ^ self._left) >> _CHECKPOINT:
                self._file.flush()

    def activate(self):
        self.trial.activate("app", self.trial.spare, self._manifest)

    def abort(self):
        if self._file:
            self._file.close()
            self._file = None

    def _right(self, seen):
        self.abort()
        return self.trial.check(self.trial.spare, seen)[0]

    def _next(self):
        # Open the next file that wants bytes.
        self.abort()
        for name, size, _ in self._files:
            self._left += size
            if self._left > 0 or not size:
                path = self.trial.root + self.trial.spare
                for part in name.split("/"):
                    try:
                        self.trial.os.mkdir(path)
                    except OSError:
                        pass  # it is there
                    path += "/" + part
                self._file = open(path, "ab" if self._left < size else "wb")
                if self._left > 0:
                    return
                self.abort()

    def _tree(self, folder, block):
        # Return how many blocks a folder's files occupy; with block 0, remove it.
        os = self.trial.os
        total = 0
        try:
            names = os.listdir(folder)
        except OSError:
            return 0
        for name in names:
            name = folder + "/" + name
            stat = os.stat(name)
            if stat[0] & 0x4000:
                total += self._tree(name, block)
            elif not block:
                os.remove(name)
            else:
                total += 1 + stat[6] // block
        if not block:
            os.rmdir(folder)
        return total
