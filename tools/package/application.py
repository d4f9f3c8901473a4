"""An application as the files of a package: folders, each under its own name."""

from pathlib import Path

from tools import bytecode
from tools.unixport import LIBRARIES, ROOT

# The folders of the firmware's application: what an update replaces.
REPLACEABLE = [ROOT / "firmware" / "app", *(lib / lib.name for lib in LIBRARIES)]


def collect(folders: list[Path]) -> list[tuple[str, bytes]]:
    """Return (name, content) of all that is in these folders, each under its own name.

    Sorted, so that the order does not depend on the host. The rest is as in bytecode.collect().
    """
    return sorted(
        file
        for folder in folders
        for file in bytecode.collect(folder, Path(Path(folder).resolve().name))
    )
