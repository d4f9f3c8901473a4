"""Compiles the board's side of a virtual board, with the values of the protocol put in.

In the source it is `import vboard.protocol as protocol` and `protocol.NAME`. On the board neither
the module nor its names exist: they would take memory from the program under test.
"""

import os
import re
import tempfile
import threading
from pathlib import Path

from tools.unixport import BUILD, mpy_cross
from tools.vboard import protocol

MODULE_PATH = BUILD / "vboard"  # of the package `vboard`

DEVICE = Path(__file__).resolve().parent.parent / "device"
_MADE_FROM = (Path(protocol.__file__), Path(__file__))  # besides the source itself

_compiling = threading.Lock()


def compile_device() -> None:
    """Bring MODULE_PATH up to date; other processes may do the same now."""
    with _compiling:
        for source in sorted(DEVICE.glob("*.py")):
            target = MODULE_PATH / "vboard" / (source.stem + ".mpy")
            newest = max(path.stat().st_mtime for path in (source, *_MADE_FROM))
            if not target.exists() or target.stat().st_mtime < newest:
                _compile(source, target)


def with_values(source: str) -> str:
    """Return the source with values for the protocol's names; AttributeError if it has no such.

    Every line keeps its number.
    """
    source = re.sub(r"^import vboard\.protocol as protocol$", "", source, flags=re.MULTILINE)
    return re.sub(r"\bprotocol\.([A-Z_]+)\b", lambda match: _literal(match[1]), source)


def _literal(name):
    return repr(getattr(protocol, name))


def _compile(source, target):
    module = "vboard" if source.stem == "__init__" else f"vboard.{source.stem}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        text = Path(temporary, source.name)
        text.write_text(with_values(source.read_text()))
        made = text.with_suffix(".mpy")
        mpy_cross(text, made, module)  # a trace shows the module's name: a file's is one name more
        os.replace(made, target)
