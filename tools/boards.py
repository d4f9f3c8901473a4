"""The boards: what `boards/NAME/board.json` says of each, checked by boards/board.schema.json."""

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import jsonschema

from tools.unixport import ROOT

FOLDER = ROOT / "boards"
SCHEMA = FOLDER / "board.schema.json"
FACTS = (
    "build",
    "led",
    "watchdog_max_s",
    "download_window",
    "flash_stops_processor",
    "journal",
)


@dataclass(frozen=True)
class Filesystem:
    """LittleFS2 on a board's flash; offset is from the begin of the flash, sizes are in bytes."""

    offset: int
    block_size: int
    block_count: int
    read_size: int
    prog_size: int
    partition: str | None = None  # its label on an ESP32

    @property
    def size(self) -> int:
        return self.block_size * self.block_count


@dataclass(frozen=True)
class Board:
    """A board; the schema says what each field means."""

    name: str  # of its folder
    build: str
    port: str
    mcu: str
    product: str
    vendor: str
    url: str
    image: str
    stubs: str | None
    update: tuple[str, ...]
    flash_size: int
    filesystem: Filesystem
    download_window: int
    flash_stops_processor: bool
    journal: int
    led: str | int | None
    watchdog_max_s: int
    wifi: str | None
    heap: int
    notes: tuple[str, ...]
    flash_offset: int | None = None  # ESP32 only, as chip_id
    chip_id: int | None = None
    uf2_family: int | None = None  # RP2 only

    @property
    def facts(self) -> dict:
        """What the firmware wants to know of it (firmware/board.py), as its board.json."""
        return {name: getattr(self, name) for name in FACTS}


def names() -> list[str]:
    """Return the names of all boards, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob("*/board.json"))


@functools.cache
def load(name: str) -> Board:
    """Return a board by the name of its folder.

    Raises ValueError: there is no such board, or its file is wrong; the text names file and key.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()
        raise ValueError(f"no board {name or '(empty)'}; there are {', '.join(near)}")
    return read(FOLDER / name / "board.json")


def by_build(build: str) -> Board | None:
    """Return the board whose MicroPython says this in sys.implementation._build."""
    return next((load(name) for name in names() if load(name).build == build), None)


def read(path: Path) -> Board:
    """Return the board of a file. Raises ValueError, which names file and key."""
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{where}: no JSON: {error}") from None
    error = jsonschema.exceptions.best_match(_validator().iter_errors(data))
    if error:
        key = ".".join(map(str, error.absolute_path))
        raise ValueError(f"{where}: {key + ': ' if key else ''}{error.message}")
    options = data.pop("deploy_options", {})
    filesystem = data.pop("filesystem")
    board = Board(
        name=path.parent.name,
        filesystem=Filesystem(**filesystem | {"offset": int(filesystem["offset"], 16)}),
        flash_offset=_number(options.get("flash_offset")),
        uf2_family=_number(data.pop("uf2_family", None)),
        **{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()},
    )
    end = board.filesystem.offset + board.filesystem.size
    if end > board.flash_size:
        beyond = end - board.flash_size
        raise ValueError(f"{where}: filesystem: ends {beyond} bytes beyond flash_size")
    return board


def _number(text: str | None) -> int | None:
    return None if text is None else int(text, 16)


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
