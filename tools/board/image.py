"""A board's file system as an image: firmware, settings, keys and factory copy, made on the host.

What `make deploy` copies by the cable is in it, so a board needs nothing else beside MicroPython.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from littlefs import LittleFS, LittleFSError

from tools import boards
from tools.board import uf2
from tools.board.stage import given, public_halves, stage
from tools.causes import cause
from tools.package import keys

_NO_SPACE = LittleFSError.Error.LFS_ERR_NOSPC


def pack(folder: Path, filesystem: boards.Filesystem) -> bytes:
    """Return a file system with a folder's content, as large as the one on the board.

    Raises ValueError: it does not fit; the text has the bytes that are wanted and there.
    """
    paths = sorted(folder.rglob("*"))
    largest = max(filesystem.read_size, filesystem.prog_size)
    flash = LittleFS(
        block_size=filesystem.block_size,
        block_count=filesystem.block_count,
        read_size=filesystem.read_size,
        prog_size=filesystem.prog_size,
        # As MicroPython's: a file that is stored in its folder must fit into the board's cache.
        cache_size=min(filesystem.block_size, 4 * largest),
    )
    try:
        for path in paths:
            name = "/" + path.relative_to(folder).as_posix()
            if path.is_dir():
                flash.mkdir(name)
            else:
                with flash.open(name, "wb") as file:
                    file.write(path.read_bytes())
    except LittleFSError as error:
        if error.code != _NO_SPACE:
            raise
        wanted = sum(_space(path, filesystem.block_size) for path in paths)
        raise ValueError(
            f"the files want {wanted} bytes of flash, the file system has {filesystem.size}; "
            "leave something out of firmware/app"
        ) from None
    # All of it, erased blocks included: what an older file system left there could be taken for
    # the newer half of a folder.
    return bytes(flash.context.buffer)


def build(
    board: boards.Board,
    settings: dict | None,
    public_keys: bytes,
    named: dict[str, bytes] | None = None,
) -> bytes:
    """Return the file system of a board; ValueError if it does not fit. named as in stage()."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stage(folder, board, settings, public_keys, named)
        return pack(folder, board.filesystem)


def encode(board: boards.Board, image: bytes) -> tuple[str, bytes]:
    """Return the suffix and the content of the file by which an image comes to a board."""
    if board.uf2_family is None:
        return ".bin", image
    address = uf2.FLASH + board.filesystem.offset
    return ".uf2", uf2.encode(uf2.split(image, address, board.uf2_family))


def main(
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    settings: Annotated[Path, typer.Option(help="a settings.json for the board")] = None,
    key: Annotated[list[Path], typer.Option(help="1 to 4 private keys")] = (keys.DEFAULT,),
    out: Annotated[Path, typer.Option(help="the folder for the image")] = Path("build/images"),
):
    """Make a file-system image with firmware, settings, keys and factory copy."""
    try:
        known = boards.load(board)
        values, named = given(settings, known)
        suffix, content = encode(known, build(known, values, public_halves(key), named))
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"{known.name}-filesystem{suffix}"
        # Its settings hold secrets.
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_bytes(content)
    except (OSError, ValueError) as error:
        raise SystemExit(f"image: {cause(error)}") from None
    print(f"{file}: for {known.filesystem.offset:#x} of the flash of {known.name}")
    if not settings:
        print("it has no settings, for which the board will wait: SETTINGS= names a file")


def _space(path, block_size):
    # A folder has two blocks, a file whole ones.
    if path.is_dir():
        return 2 * block_size
    return -(-path.stat().st_size // block_size) * block_size
