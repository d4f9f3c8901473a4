"""What only this board has: settings, keys, credentials and state, in a folder of the PC."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tools.board import checking
from tools.board.link import connected
from tools.board.settings import known

FILES = (
    "settings.json",
    "credentials.json",
    "update.keys",
    "trial.state",
    "restarts.json",
    "outbox.records",
)
KEPT = FILES[:3]  # what a restored board gets: the rest speaks of the flash it was saved from

Folder = Annotated[Path, typer.Argument(help="of the backup")]
Port = Annotated[str, typer.Option(help="of the board; found if there is one board")]


def main(folder: Folder, port: Port = ""):
    """Save settings, credentials and state of a board. They hold secrets: keep them safe."""
    saved = []
    with connected(port) as link:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in [*FILES, *named(link.read("/settings.json"))]:
            data = link.read("/" + name)
            if data is None:
                continue
            path = folder / name
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
                f.write(data)
            saved.append(name)
    print(f"{folder}: {', '.join(saved) or 'the board has nothing to save'}")


def named(settings: bytes | None) -> list[str]:
    """Return the names of the keys and certificates in a file of settings, if it is readable."""
    return checking.names(known(settings or b"") or {})


def restore(folder: Folder, port: Port = ""):
    """Put saved settings, credentials and keys on a board."""
    settings = folder / KEPT[0]
    kept = [*KEPT, *named(settings.read_bytes() if settings.exists() else None)]
    found = [folder / name for name in kept if (folder / name).exists()]
    if not found:
        raise ValueError(f"{folder}: no backup of a board")
    with connected(port) as link:
        for path in found:
            link.replace("/" + path.name, path.read_bytes())
    print(f"restored: {', '.join(path.name for path in found)}")
