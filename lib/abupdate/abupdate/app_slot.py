# An application and the libraries it came with, in one of two folders: any board, stock firmware.

from micropython import const

from . import Refused
from .header import files
from .slot import Slot

_FOLDER = const(2)  # blocks that LittleFS takes for one
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

    _file = None  # the one being written
    _missing = 0  # bytes which that one still wants; meaningless without one
    _unflushed = 0  # bytes of it that a power cut would lose; likewise
    _later = ()  # an iterator: what the manifest says of the files after it

    def __init__(self, trial, board):
        super().__init__(trial, board, "app", trial.spare + "/PACKAGE")
        self._folder = trial.root + trial.spare

    def begin(self, manifest):
        """Make room for a package (image.parse); return how much of its payload is there already.

        Raises Refused, before anything has changed, for what this board must not install.
        """
        self._admit(manifest)
        self.abort()
        self._check_room()
        trial = self.trial
        done = 0
        if self.holds(manifest["header"]):
            _, done = trial.check(trial.spare)
        else:
            for path, size in self._walk(self._folder):
                remove = trial.os.rmdir if size is None else trial.os.remove
                remove(path)
            trial.os.mkdir(self._folder)
            trial.save(self.header_file, manifest["header"])
        self._later = files(manifest["header"])
        self._open_next(done)
        return done

    def write(self, buf):
        """Take the next bytes of the payload. OSError if the flash does not."""
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

    def finish(self, seen=None):
        """Read all back. Raises Refused if it is not what was signed.

        seen(buffer) gets the bytes of the package, header and payload, in order.
        """
        self.abort()
        package, _ = self.trial.check(self.trial.spare, seen)
        if not package:
            raise Refused("the content does not match")

    def activate(self):
        """Let the next start run the package, on trial. OSError if the flash is full."""
        self.trial.activate("app", self.trial.spare, self._manifest)

    def abort(self):
        """Leave what is there, for begin() to go on with."""
        if self._file:
            self._file.close()
            self._file = None

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
        for _, size in self._walk(self._folder):
            free += _FOLDER if size is None else 1 + size // block
        need = _SPARE
        for _, size, _ in files(self._manifest["header"]):
            need += 1 + size // block
        if need > free:
            raise Refused("needs %d blocks of flash, %d are free" % (need, free))

    def _walk(self, folder):
        # Yield (path, size) of all below a folder and of itself, which comes last; the size of a
        # folder is None. Nothing if it is missing.
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
                yield path, stat[_SIZE]
        yield folder, None
