"""The folder of all releases. What is out stays as it is: people and boards may have it."""

import hashlib
from pathlib import Path

from tools.release import Refused

SUMS = "SHA256SUMS"


class Shelf:
    """Files for a folder, in memory until write(). Names have slashes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._files = {}
        self._fixed = set()

    def add(self, name: str, content: bytes) -> None:
        """Put a file there, which never changes."""
        if self._files.setdefault(name, content) != content:
            raise Refused(f"two files want to be {name}")
        self._fixed.add(name)

    def replace(self, name: str, content: bytes) -> None:
        """Put a file there, or another content into it."""
        self._files[name] = content

    def names(self, pattern: str) -> set[str]:
        """Return the names of all files, on the disk or not, that match a pattern."""
        there = {path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern)}
        return there | {name for name in self._files if Path(name).match(pattern)}

    def write(self) -> None:
        """Write all files and the sums of the folder. Raises Refused, before anything is written,
        if a file that never changes has another content.
        """
        for name in sorted(self._fixed):
            path = self.folder / name
            if path.exists() and path.read_bytes() != self._files[name]:
                raise Refused(
                    f"{name} is in {self.folder} already, with another content: raise the version "
                    "in pyproject.toml, or remove the folder if it was never published"
                )
        for name, content in self._files.items():
            _write(self.folder / name, content)
        _write(self.folder / SUMS, self._sums())

    def _sums(self):
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  "
            f"{path.relative_to(self.folder).as_posix()}\n"
            for path in files
            if path.name != SUMS
        ).encode()


def _write(path, content):
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
