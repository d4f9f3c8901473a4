"""Later releases of the application, as its developer might edit, build and sign them."""

import shutil
from collections.abc import Collection
from pathlib import Path

from tools.package import application, container
from tools.release.version import current
from tools.tbsim import Package
from tools.unixport import board_name

TITLE = "demo"
DROPPED = "app/dropped.py"  # a module that the release before still has

CRASHES = "\n\nraise RuntimeError('release %s is bad')\n"
HANGS = "\n\nwhile True:\n    pass\n"


def copy(folder: Path, version: str) -> Path:
    """Return a folder with the sources of a release, which also changes the library coap.

    Its getInfo tells of that: `coap`, and whether DROPPED can be imported.
    """
    folder = folder / version
    for source in application.REPLACEABLE:
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    edit(folder / "coap/__init__.py", "", f"\nRELEASE = {version!r}\n")
    edit(folder / "app/__init__.py", f'VERSION = "{current()}"', f"VERSION = {version!r}")
    commands = folder / "app/commands.py"
    edit(commands, '"version": self.version,', TOLD)
    edit(commands, "", IMPORTED)
    return folder


TOLD = '"version": self.version, "coap": coap.RELEASE, "dropped": dropped,'
IMPORTED = """
import coap
try:
    from . import dropped
    dropped = True
except ImportError:
    dropped = False
"""


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that is there once; with "" append."""
    text = path.read_text()
    if old and text.count(old) != 1:
        raise ValueError(f"{path.name}: not once: {old!r}")
    path.write_text(text.replace(old, new) if old else text + new)


def build(
    sources: Path,
    key,
    *,
    version: str,
    sequence: int,
    boards: list[str] | None = None,
    extras: Collection[application.Extra] = (),
) -> Package:
    """Return the signed package of a release, as it is uploaded to ThingsBoard.

    boards: the unix port if left out. extras: what they need beside the rest.
    """
    boards = boards or [board_name()]
    left_out = application.needless(boards, extras)
    data = container.build(
        key,
        application.collect(sorted(sources.iterdir()), left_out),
        kind="app",
        title=TITLE,
        version=version,
        boards=boards,
        sequence=sequence,
    )
    return Package(TITLE, version, data)
