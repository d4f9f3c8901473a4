"""Trees of files as a board gets them: `.py` becomes bytecode, all else stays as it is."""

import re
import subprocess
import tempfile
from pathlib import Path

from tools.unixport import mpy_cross

RUN_AS_SOURCE = ("boot.py", "main.py")  # in its root folder a board starts these only as source
FOR_READERS = ("settings.example.json", "README.md")  # in the tree, but of no use on a board


def collect(folder: Path, inside: Path = Path()) -> list[tuple[str, bytes]]:
    """Return (name, content) of all files of a folder, sorted by name.

    Names are relative to the folder, or to the folder `inside` that it becomes on the board; a
    trace shows the same names. Hidden files and caches stay out. NotADirectoryError;
    CalledProcessError from the compiler.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    base = folder.resolve()
    files = []
    for path in base.rglob("*"):
        name = path.relative_to(base)
        if path.is_file() and not any(p[0] == "." or p == "__pycache__" for p in name.parts):
            files.append(convert(path, (inside / name).as_posix()))
    return sorted(files)


def convert(path: Path, name: str) -> tuple[str, bytes]:
    """Return (name, content) of one file on the board, which traces call by the name given."""
    if path.suffix != ".py" or name in RUN_AS_SOURCE:
        return name, path.read_bytes()
    with tempfile.TemporaryDirectory() as temporary:
        compiled = Path(temporary) / "out.mpy"
        mpy_cross(path, compiled, name)
        return Path(name).with_suffix(".mpy").as_posix(), compiled.read_bytes()


def fault(error: subprocess.CalledProcessError) -> str:
    """Return in a sentence what the compiler said of a file."""
    said = [line.strip() for line in error.stderr.splitlines() if line.strip()]
    line = re.search(r"line \d+", error.stderr)
    place = f", {line[0]}" if line else ""
    return f"{error.cmd[-1]}{place} does not compile: {said[-1] if said else 'no reason given'}"


def write(files: list[tuple[str, bytes]], target: Path) -> None:
    """Write (name, content) into a folder, which may exist."""
    for name, content in files:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder's content as a board gets it, but for what is there for readers."""
    write([f for f in collect(source) if Path(f[0]).name not in FOR_READERS], target)
