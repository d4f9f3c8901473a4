"""What only this board has: settings, keys, credentials and state, in a folder of the PC.

Records that wait for the server are saved as well, and put back only on demand: the board that
they were saved from may have sent them since. A board that has records of its own keeps those.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from tools.board import checking
from tools.board.link import Link, connected
from tools.board.settings import known

KEPT = ("settings.json", "credentials.json", "update.keys")  # what a restored board gets
STATE = ("trial.state", "restarts.json")  # of the flash that it was saved from
WAITING = "outbox.records"  # records, of a board without a journal
JOURNAL = "journal"  # a folder of records

Folder = Annotated[Path, typer.Argument(help="of the backup")]
Port = Annotated[str, typer.Option(help="of the board; found if there is one board")]
Records = Annotated[
    bool, typer.Option("--records", help="put the records that waited back as well")
]


def main(folder: Folder, port: Port = ""):
    """Save settings, credentials and state of a board. They hold secrets: keep them safe."""
    saved = []
    with connected(port) as link:
        make_folder(folder)
        for name in [*KEPT, *STATE, WAITING, *named(link.read("/settings.json"))]:
            data = link.read("/" + name)
            if data is None:
                continue
            write(folder / name, data)
            saved.append(name)
        if save_journal(link, folder / JOURNAL):
            saved.append(JOURNAL)
    print(f"{folder}: {', '.join(saved) or 'the board has nothing to save'}")


def save_journal(link: Link, folder: Path) -> bool:
    """Save the files of a board's journal in the place of those that were saved before."""
    for old in folder.glob("*"):
        old.unlink()
    names = link.names("/" + JOURNAL)
    if names:
        make_folder(folder)
    for name in names:
        write(folder / name, link.read(f"/{JOURNAL}/{name}") or b"")
    return bool(names)


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner reads, unless it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def named(settings: bytes | None) -> list[str]:
    """Return the names of the keys and certificates in a file of settings, if it is readable."""
    return checking.names(known(settings or b"") or {})


def restore(folder: Folder, port: Port = "", records: Records = False):
    """Put saved settings, credentials and keys on a board."""
    settings = folder / KEPT[0]
    kept = [*KEPT, *named(settings.read_bytes() if settings.exists() else None)]
    found = [folder / name for name in kept if (folder / name).exists()]
    if not found:
        raise ValueError(f"{folder}: no backup of a board")
    waiting = [folder / WAITING, *sorted((folder / JOURNAL).glob("*"))] if records else []
    waiting = [path for path in waiting if path.exists()]
    if records and not waiting:
        raise ValueError(f"{folder}: no records waited; leave --records out")
    with connected(port) as link:
        if waiting and (link.names("/" + JOURNAL) or link.read("/" + WAITING) is not None):
            raise ValueError(
                "the board has records of its own: leave --records out, or try again when its"
                " server has them"
            )
        for path in found:
            link.replace("/" + path.name, path.read_bytes())
        if (folder / JOURNAL) in [path.parent for path in waiting]:
            link.make_folder("/" + JOURNAL)
        for path in waiting:
            link.write("/" + path.relative_to(folder).as_posix(), path.read_bytes())
    print(f"restored: {', '.join(str(path.relative_to(folder)) for path in found + waiting)}")
