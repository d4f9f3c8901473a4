"""An application as the files of a package: bytecode, and data as it is."""

import tempfile
from pathlib import Path

from tools.unixport import mpy_cross


def collect(folders: list[Path]) -> list[tuple[str, bytes]]:
    """Return (name, content) of all that is in these folders, each under its own name.

    `.py` becomes bytecode. Hidden files and caches stay out. Sorted, so that the order does not
    depend on the host. NotADirectoryError; CalledProcessError from the compiler.
    """
    files = []
    with tempfile.TemporaryDirectory() as temporary:
        compiled = Path(temporary) / "out.mpy"
        for folder in map(Path, folders):
            if not folder.is_dir():
                raise NotADirectoryError(f"{folder} is no folder")
            base = folder.resolve()
            for path in sorted(base.rglob("*")):
                name = Path(base.name) / path.relative_to(base)
                if path.is_dir() or any(p[0] == "." or p == "__pycache__" for p in name.parts):
                    continue
                if path.suffix == ".py":
                    mpy_cross(path, compiled, name.as_posix())
                    files.append((name.with_suffix(".mpy").as_posix(), compiled.read_bytes()))
                else:
                    files.append((name.as_posix(), path.read_bytes()))
    return sorted(files)
