"""What is copied to a board: `python -m tools.board.stage FOLDER --board NAME` fills a folder.

Firmware and libraries as bytecode, facts of the board, the public half of the key that signs
updates, the settings.
"""

import json
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from tools import boards, bytecode
from tools.board import checking, doubts, room
from tools.causes import cause
from tools.package import application, keys
from tools.unixport import ROOT

FACTS = "board.json"  # its name in a board's root folder
# What the firmware writes into the root folder, or reads there to another end.
FIRMWARES_OWN = (
    "settings.json credentials.json credentials.json.tmp restarts.json restarts.json.tmp "
    "trial.state outbox.records reserve hold firmware.blocks factory slot_a slot_b new journal"
).split()
# What no update replaces.
ROOT_FILES = [*sorted((ROOT / "firmware").glob("*.py")), ROOT / "lib" / "abupdate" / "trial.py"]


def stage(
    target: Path,
    board: boards.Board | None = None,
    settings: dict | None = None,
    public_keys: bytes = b"",
    named: dict[str, bytes] | None = None,
    extras: Collection[application.Extra] | None = None,
) -> None:
    """Fill a folder with all that a board needs.

    In its root is what no update replaces; in `factory` the application with its libraries, as
    in a package. board: the unix port if left out. A board without public_keys takes no
    updates. named are the files that the settings name (checking.named_files). extras: what
    the board needs; else the settings say so, and without settings it may need all. Prints if
    updates will find no room.
    """
    board = board or boards.load("UNIX")
    _check_names(named or {})
    if extras is None:
        extras = application.Extra if settings is None else application.wanted(settings)
    left_out = application.needless([board.build], extras)
    try:
        files = [bytecode.convert(path, path.name) for path in ROOT_FILES]
        factory = application.collect(application.REPLACEABLE, left_out)
    except subprocess.CalledProcessError as error:
        raise ValueError(bytecode.fault(error)) from None
    lacks = room.lacking(factory, board, settings or {}, extras)
    if lacks > 0:
        code = " and ".join(sorted(extra.value for extra in extras))
        advice = "a smaller journal needs less" if settings else "settings may want less"
        print(
            f"updates will find no room{code and ' beside '}{code}: "
            f"{board.name} lacks {lacks} blocks of flash; {advice}"
        )
    bytecode.write(files, target)
    bytecode.write(factory, target / "factory")
    (target / FACTS).write_text(json.dumps(board.facts))
    if settings is not None:
        write_secret(target / "settings.json", json.dumps(settings).encode())
    for name, content in (named or {}).items():
        write_secret(target / name, content)
    if public_keys:
        (target / keys.BOARD_FILE).write_bytes(public_keys)


def _check_names(named):
    # The folder may hold what was staged before, so that a file is there says nothing.
    modules = {path.with_suffix(ending).name for path in ROOT_FILES for ending in (".py", ".mpy")}
    for name in named:
        if name in {FACTS, keys.BOARD_FILE, *FIRMWARES_OWN, *modules}:
            raise ValueError(
                f"{name} is a file of the firmware; call the certificate another name"
            )


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)


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


def given(path: Path | None, board: boards.Board) -> tuple[dict | None, dict[str, bytes]]:
    """Return the settings in a file, checked, and the files that they name; None without a file.

    Prints what is doubtful. Raises OSError and ValueError.
    """
    if not path:
        return None, {}
    values = checking.read(path, board)
    named = checking.named_files(values, path.parent)
    for line in doubts.of(values, board, str(path), named.get):
        print(line)
    return values, named


def main(
    folder: Annotated[Path, typer.Argument(help="to fill; may exist")],
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    settings: Annotated[Path, typer.Option(help="a settings.json for the board")] = None,
    key: Annotated[list[Path], typer.Option(help="1 to 4 private keys")] = (keys.DEFAULT,),
):
    """Fill a folder with what is copied to a board's root."""
    try:
        known = boards.load(board)
        values, named = given(settings, known)
        stage(folder, known, values, public_halves(key), named)
    except (OSError, ValueError) as error:
        raise SystemExit(f"stage: {cause(error)}") from None
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size} bytes; copy what is in it to the root of the board")


if __name__ == "__main__":
    typer.run(main)
