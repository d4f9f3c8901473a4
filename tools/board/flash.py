"""Puts MicroPython on a board, and beside it the file system that `make image` made.

What is written is checked against the board before anything is erased.
"""

from pathlib import Path
from typing import Annotated

import esptool
import typer
from esptool import cmds
from esptool.util import flash_size_bytes
from rich.progress import Progress

from tools import boards
from tools.board import drive, espimage, ports, uf2


def regions(board: boards.Board, image: Path, fs: Path | None) -> list[tuple[int, bytes]]:
    """Return what goes to an ESP32, as (address, bytes), once it is known to be for the board.

    OSError; ValueError, whose text names the file and says what to do.
    """
    data = image.read_bytes()
    _named(image, espimage.check, data, board)
    end = board.flash_offset + len(data)
    if fs is None:
        return [(board.flash_offset, data)]
    files = board.filesystem
    content = fs.read_bytes()
    if len(content) != files.size or content[8:16] != b"littlefs":
        raise ValueError(
            f"{fs}: no file system of {board.name}, which has {files.size} bytes; make it by "
            f"make image BOARD={board.name}"
        )
    if end > files.offset:
        raise ValueError(
            f"{image}: ends at {end:#x}, behind the begin of the file system at {files.offset:#x}"
        )
    return [(board.flash_offset, data), (files.offset, content)]


def blocks(board: boards.Board, image: Path, fs: Path | None) -> bytes:
    """Return the UF2 file for a Pico: image and file system in one, as it restarts after it.

    OSError; ValueError, whose text names the file and says what to do.
    """
    parts = _blocks(image, board)
    if uf2.FLASH not in (one.address for one in parts if one.family == board.uf2_family):
        raise ValueError(f"{image}: no MicroPython: it does not begin where flash does")
    begin = uf2.FLASH + board.filesystem.offset
    if fs:
        files = _blocks(fs, board)
        if files[0].address != begin or len(files) * uf2.PAYLOAD != board.filesystem.size:
            raise ValueError(
                f"{fs}: no file system of {board.name}; make it by make image BOARD={board.name}"
            )
        # The special block of an RP2350 lies at the end of its flash.
        if any(begin <= one.address for one in parts if one.family == board.uf2_family):
            raise ValueError(f"{image}: reaches into the file system of {board.name}")
        parts += files
    return uf2.encode(parts)


def write_esp(board: boards.Board, port: str, todo: list[tuple[int, bytes]]) -> None:
    """Write regions to the ESP32 at a port. ValueError if there is another chip, or none."""
    try:
        with cmds.detect_chip(port) as found:
            chip = found.CHIP_NAME.lower().replace("-", "")
            if chip != board.mcu:
                raise ValueError(
                    f"{port}: the chip there is an {chip}, {board.name} has an {board.mcu}; "
                    "name the right BOARD="
                )
            esp = cmds.run_stub(found)
            cmds.attach_flash(esp)
            size = flash_size_bytes(cmds.detect_flash_size(esp))
            if size and size < board.flash_size:
                raise ValueError(
                    f"{port}: the flash there has {size} bytes, {board.name} has "
                    f"{board.flash_size}; name the right BOARD="
                )
            cmds.write_flash(esp, todo)  # compares checksums with what the chip reads
            cmds.reset_chip(esp)
    except (esptool.FatalError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{port}: {reason}; is another program at the port? Else hold BOOT, press RESET, and "
            "run this again"
        ) from None


def write_pico(board: boards.Board, content: bytes, place: Path | None) -> None:
    """Copy a UF2 file to the drive of a Pico, waiting for one. ValueError: it cannot be."""
    if place:
        drive.check(place, board.mcu)
    else:
        place = drive.wait(board.mcu, print)
    with Progress() as progress:
        task = progress.add_task(str(place), total=len(content))
        try:
            drive.write(place, content, lambda done: progress.update(task, completed=done))
        except OSError as error:
            raise ValueError(
                f"{place}: {error.strerror}; the board has not all of it: {drive.HOW}, and run "
                "this again"
            ) from None


def main(
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    image: Annotated[Path, typer.Option(help="MicroPython: .bin for an ESP32, .uf2 for a Pico")],
    fs: Annotated[Path, typer.Option(help="a file-system image of make image")] = None,
    port: Annotated[str, typer.Option(help="of an ESP32, if there is more than one")] = None,
    place: Annotated[Path, typer.Option("--drive", help="of a Pico in BOOTSEL")] = None,
):
    """Write MicroPython to a board, and a file system beside it."""
    try:
        known = boards.load(board)
        if image == Path():  # as `make` hands over what was left out
            raise ValueError(
                f"IMAGE= is missing: give the file of {known.name} from micropython.org"
            )
        if known.port == "esp32":
            todo = regions(known, image, fs)
            write_esp(known, ports.find(port), todo)
        elif known.port == "rp2":
            write_pico(known, blocks(known, image, fs), place)
        else:
            raise ValueError(f"{known.name} has no flash; it runs on this PC")
    except OSError as error:
        raise SystemExit(f"flash: {error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise SystemExit(f"flash: {error}") from None
    print(f"{known.name}: MicroPython is written{' and the file system' if fs else ''}")


def _blocks(path, board):
    found = _named(path, uf2.decode, path.read_bytes())
    _named(path, uf2.check, found, board.uf2_family, board.flash_size)
    return found


def _named(path, function, *arguments):
    try:
        return function(*arguments)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
