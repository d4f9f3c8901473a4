"""Puts files on a virtual board's flash, and its own start code where the interpreter finds it."""

import os
import tempfile
import threading
from pathlib import Path

from tools.board.stage import compile_tree
from tools.unixport import BUILD, mpy_cross

DEVICE = Path(__file__).with_name("device")

# Runs on the board: copies a host folder.
_COPY = """
import os
def copy(source, target):
    for name, kind, *_ in os.ilistdir(source):
        if kind == 0x4000:
            if name not in os.listdir(target or "/"):
                os.mkdir(target + "/" + name)
            copy(source + "/" + name, target + "/" + name)
        else:
            with open(source + "/" + name, "rb") as f, open(target + "/" + name, "wb") as t:
                while data := f.read(4096):
                    t.write(data)
path = ""
for name in %(target)r.strip("/").split("/"):
    if name:
        path += "/" + name
        try:
            os.mkdir(path)
        except OSError:
            pass
copy("/host" + %(source)r, path)
"""

_READ = """
import binascii
with open(%(path)r, "rb") as f:
    while data := f.read(1024):
        print(binascii.hexlify(data).decode())
"""

_compiling = threading.Lock()


def deploy(board, folder: Path, target: str, compiled: bool) -> None:
    """Copy the content of a host folder into the folder target of the board's flash."""
    with tempfile.TemporaryDirectory() as temporary:
        if compiled:
            compile_tree(folder, Path(temporary))
            folder = Path(temporary)
        run(board, _COPY, source=str(folder.resolve()), target=target)


def read(board, path: str) -> bytes:
    """Return the content of a file on the board's flash."""
    return bytes.fromhex(run(board, _READ, path=path))


def run(board, code: str, **values) -> str:
    """Execute a few lines on the board's flash, %-formatted with these values."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(code % values)
        script.flush()
        return board.execute(Path(script.name))


def device_folder() -> Path:
    """Return the folder of the compiled start code, made anew when its source is newer."""
    folder = BUILD / "vboard"
    with _compiling:
        for source in DEVICE.glob("*.py"):
            target = folder / (source.stem + ".mpy")
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                made = target.with_suffix(f".{os.getpid()}")
                mpy_cross(source, made)
                os.replace(made, target)
    return folder
