"""Scripts that a virtual board executes to put files on its flash, and to tell what is there."""

from pathlib import Path

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


def copying(source: Path, target: str) -> str:
    """Return a script that copies the content of a host's folder into a folder of the flash."""
    return _COPY % {"source": str(source.resolve()), "target": target}


def reading(path: str) -> str:
    """Return a script that prints a file of the flash for content()."""
    return _READ % {"path": path}


def content(printed: str) -> bytes:
    """Return the file that a script of reading() has printed."""
    return bytes.fromhex(printed)
