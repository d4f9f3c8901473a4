"""A file system in memory whose power fails, which is full, or whose content is damaged.

Like LittleFS it changes at close(), at once and whole. The power can fail before any change or, as
on lesser file systems, in the middle of what is appended.
"""

ENOENT = 2
ENOSPC = 28


class PowerCut(Exception):
    """Nothing runs after it."""


class FlashFS:
    """In the place of the module os; open is its open(). files: bytes by path."""

    def __init__(self, files=None):
        self.files = files or {}
        self.folders = set([path.rpartition("/")[0] for path in self.files])
        self.full = False  # nothing can be written
        self.blocks = 0  # of the flash: a file takes one, and one more while it changes; 0: enough
        self.changes = 0  # of the flash so far
        self.cut_at = 0  # power fails at this one, 1 is the first
        self.half = False  # in the middle of it

    def listdir(self, folder):
        if folder not in self.folders:
            raise OSError(ENOENT)
        return [path[len(folder) + 1 :] for path in self.files if path.startswith(folder + "/")]

    def stat(self, path):
        return (0, 0, 0, 0, 0, 0, len(self.content(path)))

    def mkdir(self, folder):
        if self.full:
            raise OSError(ENOSPC)
        self.change()
        self.folders.add(folder)

    def remove(self, path):
        self.content(path)
        self.change()
        del self.files[path]

    def open(self, path, mode):
        return File(self, path, mode)

    def content(self, path):
        if path not in self.files:
            raise OSError(ENOENT)
        return self.files[path]

    def change(self, path=None, before=b"", after=b""):
        """One change is about to happen: all of it, half of a file's new content, or none."""
        self.changes += 1
        if self.changes == self.cut_at:
            if self.half and before:
                self.files[path] = before + after[: len(after) // 2]
            raise PowerCut
        if path:
            if self.blocks and len(self.files) >= self.blocks:
                raise OSError(ENOSPC)
            self.files[path] = before + after


class File:
    def __init__(self, fs, path, mode):
        self.fs = fs
        self.path = path
        self.writes = mode != "rb"
        self.before = fs.files.get(path, b"") if mode == "ab" else b""
        self.data = b"" if self.writes else fs.content(path)
        self.at = 0

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        if self.writes and raised[0] is None:
            if self.fs.full:
                raise OSError(ENOSPC)
            self.fs.change(self.path, self.before, self.data)

    def write(self, data):
        if self.fs.full:
            raise OSError(ENOSPC)
        self.data += bytes(data)

    def seek(self, at):
        self.at = at

    def read(self, count):
        data = self.data[self.at : self.at + count]
        self.at += len(data)
        return data
