# An application and the libraries it came with, in one of two folders: any board, stock firmware.

from micropython import const

from . import Refused
from .slot import Slot

_UNFLUSHED_MAX = const(4096)  # bytes of a file that a power cut may lose
_SPARE = const(8)  # blocks for the folders, the header, and what LittleFS copies on write

_MODE = const(0)  # in what os.stat() returns
_SIZE = const(6)
_IS_FOLDER = const(0x4000)


class AppSlot(Slot):
    """The folder that does not run.

    The header, in the file `PACKAGE`, is written when the folder is empty: what stands beside an
    equal header belongs to it.
    """

    kind = "app"
    _file = None  # the one being written
    _missing = 0  # bytes which that one still wants; meaningless without one
    _unflushed = 0  # bytes of it that a power cut would lose; likewise
    _later = ()  # an iterator: what the manifest says of the files after it

    def __init__(self, trial, board):
        super().__init__(trial, board)
        self.header_file = trial.spare + "/PACKAGE"
        self._folder = trial.root + trial.spare

    def write(self, buf):
        while buf:
            n = min(len(buf), self._missing)
            self._file.write(buf[:n])
            buf = buf[n:]
            self._missing -= n
            self._unflushed += n
            if not self._missing:
                self._open_next()
            elif self._unflushed >= _UNFLUSHED_MAX:
                self._file.flush()
                self._unflushed = 0

    def activate(self):
        self.trial.activate("app", self.trial.spare, self._manifest)

    def abort(self):
        if self._file:
            self._file.close()
            self._file = None

    def _begin(self):
        self.abort()
        trial = self.trial
        manifest = self._manifest
        self._check_room()
        if self.stored() != manifest["header"]:
            self._remove(self._folder)
            trial.os.mkdir(self._folder)
            trial.save(self.header_file, manifest["header"])
        _, done = trial.check(trial.spare)
        self._later = iter(manifest["files"])
        self._open_next(done)
        return done

    def _is_right(self, seen):
        self.abort()
        package, _ = self.trial.check(self.trial.spare, seen)
        return package is not None

    def _open_next(self, done=0):
        # Close the file that is whole, open the next that wants bytes. done: so many bytes of
        # what follows are there already.
        self.abort()
        for name, size, _ in self._later:
            if size and done >= size:
                done -= size
                continue
            file = self._create(name, "ab" if size and done else "wb")
            if size:
                self._file = file
                self._missing = size - done
                self._unflushed = 0
                return
            file.close()  # empty, it is whole

    def _create(self, name, mode):
        path = self._folder
        for part in name.split("/"):
            try:
                self.trial.os.mkdir(path)
            except OSError:
                pass  # it is there
            path += "/" + part
        return open(path, mode)

    def _check_room(self):
        # Raises Refused unless the package fits; what is in the folder may go.
        block, _, blocks, _, free = self.trial.os.statvfs(self.trial.root)[:5]
        if free > blocks:  # LittleFS that is full counts on below 0
            free = 0
        free += self._blocks(self._folder, block)
        need = _SPARE
        for _, size, _ in self._manifest["files"]:
            need += 1 + size // block
        if need > free:
            raise Refused("needs %d blocks of flash, %d are free" % (need, free))

    def _blocks(self, folder, block):
        # How many blocks the files below a folder occupy.
        n = 0
        for _, is_folder, size in self._walk(folder):
            if not is_folder:
                n += 1 + size // block
        return n

    def _remove(self, folder):
        os = self.trial.os
        for path, is_folder, _ in self._walk(folder):
            remove = os.rmdir if is_folder else os.remove
            remove(path)

    def _walk(self, folder):
        # Yield (path, whether it is a folder, size) of a folder and all below it, what a folder
        # holds before the folder itself; nothing if it is missing.
        os = self.trial.os
        try:
            names = os.listdir(folder)
        except OSError:
            return
        for name in names:
            path = folder + "/" + name
            stat = os.stat(path)
            if stat[_MODE] & _IS_FOLDER:
                yield from self._walk(path)
            else:
                yield path, False, stat[_SIZE]
        yield folder, True, 0
