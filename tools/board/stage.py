"""What is copied to a board: `python -m tools.board.stage FOLDER` fills a folder with it.

Firmware and libraries as bytecode, the public half of the key that signs updates, the settings.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from tools.package import application, keys
from tools.unixport import LIBRARIES, ROOT, mpy_cross

RUN_AS_SOURCE = ("boot.py", "main.py")  # a board starts these two only as source
NOT_DEPLOYED = ("settings.example.json", "README.md")
REPLACEABLE = [ROOT / "firmware" / "app", *(lib / lib.name for lib in LIBRARIES)]
ROOT_FILES = [*sorted((ROOT / "firmware").glob("*.py")), ROOT / "lib" / "abupdate" / "trial.py"]


def compile_tree(source: Path, target: Path) -> None:
    """Copy a folder with every .py as bytecode, except those that a board starts as source."""
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() or "__pycache__" in relative.parts or path.name in NOT_DEPLOYED:
            continue
        place(path, target / relative, str(relative))


def place(path: Path, copy: Path, name: str) -> None:
    """Copy a file, a .py as bytecode unless a board starts it as source; name is for traces."""
    if path.suffix == ".py" and name not in RUN_AS_SOURCE:
        mpy_cross(path, copy.with_suffix(".mpy"), name)
    else:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def stage(target: Path, settings: dict | None = None, public_keys: bytes = b"") -> None:
    """Fill a folder with all that a board needs.

    In its root is what no update replaces; in `factory` the application with its libraries, as
    in a package. A board without public_keys takes no updates.
    """
    for source in ROOT_FILES:
        place(source, target / source.name, source.name)
    for name, content in application.collect(REPLACEABLE):
        path = target / "factory" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if settings is not None:
        (target / "settings.json").write_text(json.dumps(settings))
    if public_keys:
        (target / keys.BOARD_FILE).write_bytes(public_keys)


def main(
    folder: Annotated[Path, typer.Argument(help="to fill; may exist")],
    settings: Annotated[Path, typer.Option(help="a settings.json for the board")] = None,
    key: Annotated[list[Path], typer.Option(help="1 to 4 private keys")] = (keys.DEFAULT,),
):
    """Fill a folder with what is copied to a board's root."""
    try:
        values = read(settings) if settings else None
        public_keys = b""
        for path in key:
            private, is_new = keys.load_or_create(path)
            public_keys += keys.public_bytes(private)
            if is_new:
                print(keys.advice(path))
        keys.split(public_keys)
        stage(folder, values, public_keys)
    except (OSError, ValueError) as error:
        raise SystemExit(f"firmware: {error}") from None
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size} bytes; copy what is in it to the root of the board")


def read(settings: Path) -> dict:
    try:
        return json.loads(settings.read_bytes())
    except ValueError:
        raise ValueError(f"{settings}: no JSON") from None


if __name__ == "__main__":
    typer.run(main)
