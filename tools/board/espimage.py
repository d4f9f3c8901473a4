"""A merged image of an ESP32's MicroPython: boot loader, partition table and application.

It is what micropython.org has as `.bin`; a `.app-bin` is the application alone. esptool parses
each of the images in it. Source of the table: ESP-IDF's esp_partition_info_t.
"""

import struct
from dataclasses import dataclass

from tools.boards import Board
from tools.package.esp32 import APP_MAGIC, APP_MAGIC_AT, CHIPS, IMAGE_MAGIC, is_whole

TABLE_AT = 0x8000  # of the flash

_ENTRY = struct.Struct("<2sBBII16sI")
_ENTRY_MAGIC = b"\xaaP"
_TABLE_SIZE = 0xC00
_APP = 0


@dataclass(frozen=True)
class Partition:
    """An entry of the table; offset is from the begin of the flash."""

    kind: int
    offset: int
    size: int
    label: str


def check(data: bytes, board: Board) -> None:
    """Raise ValueError, with what to do, unless this is a whole merged image for a board."""
    if len(data) < APP_MAGIC_AT + 4 or data[0] != IMAGE_MAGIC:
        raise ValueError(
            f"no ESP32 image: it does not begin with E9; take the .bin of {board.image} from "
            "micropython.org"
        )
    (chip,) = struct.unpack_from("<H", data, 12)
    if chip != board.chip_id:
        found = CHIPS.get(chip, f"an unknown chip ({chip})")
        raise ValueError(f"for {found}, but {board.name} has an {board.mcu}; take the right .bin")
    if struct.unpack_from("<I", data, APP_MAGIC_AT) == (APP_MAGIC,):
        raise ValueError(
            "an application alone, without boot loader and partitions: it would not start; take "
            f"the .bin of {board.image} and not the .app-bin"
        )
    _parse(data, board, "boot loader")
    table = partitions(data[TABLE_AT - board.flash_offset :])
    if not table:
        raise ValueError(f"no partition table at {TABLE_AT:#x}: not a merged image, or cut off")
    _check_filesystem(table, board)
    for partition in table:
        at = partition.offset - board.flash_offset
        if partition.kind == _APP:
            _parse(data[at:], board, f"application in {partition.label}")
            break  # the others of an OTA image are empty
    else:
        raise ValueError("its partition table has no application; take an image of MicroPython")


def partitions(data: bytes) -> list[Partition]:
    """Return the entries of the table that data begins with; [] where there is none."""
    table = []
    for at in range(0, min(len(data), _TABLE_SIZE) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, label, _ = _ENTRY.unpack_from(data, at)
        if magic != _ENTRY_MAGIC:
            break
        table.append(Partition(kind, offset, size, label.rstrip(b"\0").decode("ascii", "replace")))
    return table


def _check_filesystem(table, board):
    # Where the table has no entry for it, MicroPython takes all that is behind the last one.
    ends = [partition.offset + partition.size for partition in table]
    labelled = [p.offset for p in table if p.label == board.filesystem.partition]
    found = labelled[0] if labelled else max(ends)
    if max(ends) > board.flash_size:
        raise ValueError(
            f"its partitions need {max(ends)} bytes of flash, {board.name} has {board.flash_size}"
        )
    if found != board.filesystem.offset:
        raise ValueError(
            f"its file system is at {found:#x}, that of {board.name} at "
            f"{board.filesystem.offset:#x}: another variant; take the .bin of {board.image}"
        )


def _parse(data, board, what):
    if not is_whole(data, board.mcu):
        raise ValueError(f"the {what} is cut off or damaged; download it again")
