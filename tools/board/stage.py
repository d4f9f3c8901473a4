"""What is copied to a board: `python -m tools.board.stage FOLDER --board NAME` fills a folder.

Firmware and libraries as bytecode, facts of the board, the public half of the key that signs
updates, the settings.
"""

import json
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from tools import boards, bytecode
from tools.board import checking
from tools.package import application, keys
from tools.unixport import ROOT

FACTS = "board.json"  # its name in a board's root folder
# What no update replaces.
ROOT_FILES = [*sorted((ROOT / "firmware").glob("*.py")), ROOT / "lib" / "abupdate" / "trial.py"]


def stage(
    target: Path,
    board: boards.Board | None = None,
    settings: dict | None = None,
    public_keys: bytes = b"",
) -> None:
    """Fill a folder with all that a board needs.

    In its root is what no update replaces; in `factory` the application with its libraries, as
    in a package. board: the unix port if left out. A board without public_keys takes no
    updates.
    """
    board = board or boards.load("UNIX")
    try:
        files = [bytecode.convert(path, path.name) for path in ROOT_FILES]
        factory = application.collect(application.REPLACEABLE)
    except subprocess.CalledProcessError as error:
        raise ValueError(bytecode.fault(error)) from None
    bytecode.write(files, target)
    bytecode.write(factory, target / "factory")
    (target / FACTS).write_text(json.dumps(board.facts))
    if settings is not None:
        file = target / "settings.json"
        file.touch(mode=0o600)  # it holds secrets
        file.chmod(0o600)
        file.write_text(json.dumps(settings))
    if public_keys:
        (target / keys.BOARD_FILE).write_bytes(public_keys)


def public_halves(paths: list[Path]) -> bytes:
    """Return what a board holds of these private keys, making those that are not there."""
    public_keys = b""
    for path in paths:
        private, is_new = keys.load_or_create(path)
        public_keys += keys.public_bytes(private)
        if is_new:
            print(keys.advice(path))
    keys.split(public_keys)
    return public_keys


def main(
    folder: Annotated[Path, typer.Argument(help="to fill; may exist")],
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    settings: Annotated[Path, typer.Option(help="a settings.json for the board")] = None,
    key: Annotated[list[Path], typer.Option(help="1 to 4 private keys")] = (keys.DEFAULT,),
):
    """Fill a folder with what is copied to a board's root."""
    try:
        known = boards.load(board)
        values = checking.read(settings, known) if settings else None
        stage(folder, known, values, public_halves(key))
    except (OSError, ValueError) as error:
        raise SystemExit(f"stage: {error}") from None
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size} bytes; copy what is in it to the root of the board")


if __name__ == "__main__":
    typer.run(main)
