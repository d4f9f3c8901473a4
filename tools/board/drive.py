"""The drive as which a Pico's boot loader shows itself: found by its INFO_UF2.TXT."""

import errno
import os
import string
import sys
import time
from collections.abc import Callable
from glob import glob
from pathlib import Path

INFO = "INFO_UF2.TXT"
IDS = {"rp2040": "RPI-RP2", "rp2350": "RP2350"}  # what Board-ID is on each chip
HOW = "hold BOOTSEL while you plug the board in"
WAIT_S = 60
_CHUNK = 64 * 1024
_MOUNTS = ("/media/*/*", "/media/*", "/run/media/*/*", "/Volumes/*", "/mnt/*")


def find(mcu: str) -> Path | None:
    """Return the mounted drive of a chip, None if there is none.

    Raises ValueError: only that of another chip is there, or there is more than one.
    """
    folders = [path for pattern in _MOUNTS for path in glob(pattern)]
    if sys.platform == "win32":
        folders = [f"{letter}:\\" for letter in string.ascii_uppercase[2:]]
    found = [Path(folder) for folder in folders if Path(folder, INFO).is_file()]
    right = [drive for drive in found if identity(drive) == IDS[mcu]]
    if len(right) > 1:
        names = ", ".join(map(str, right))
        raise ValueError(f"more than one board in BOOTSEL: {names}; say which by DRIVE=")
    if found and not right:
        check(found[0], mcu)
    return right[0] if right else None


def wait(mcu: str, say: Callable[[str], None], timeout_s: float = WAIT_S) -> Path:
    """Return the drive of a chip as soon as it is there; ValueError when the time is over."""
    end = time.monotonic() + timeout_s
    told = False
    while not (drive := find(mcu)):
        if not told:
            say(f"waiting for the drive of the board: {HOW}")
            told = True
        if time.monotonic() > end:
            raise ValueError(f"no drive of a board in {timeout_s:g} s: {HOW}, or say DRIVE=")
        time.sleep(0.2)
    return drive


def identity(drive: Path) -> str:
    """Return the Board-ID of a drive; ValueError if it is none of a boot loader."""
    try:
        lines = Path(drive, INFO).read_text(errors="replace").splitlines()
    except OSError:
        raise ValueError(f"{drive}: no drive of a board, it has no {INFO}; {HOW}") from None
    ids = [line.partition(":")[2].strip() for line in lines if line.startswith("Board-ID:")]
    return ids[0] if ids else ""


def check(drive: Path, mcu: str) -> None:
    """Raise ValueError unless this is the drive of such a chip."""
    if (found := identity(drive)) != IDS[mcu]:
        raise ValueError(f"{drive}: the board there is {found}, not {IDS[mcu]} ({mcu})")


def write(drive: Path, content: bytes, progress: Callable[[int], None]) -> None:
    """Copy a UF2 file to a drive; progress is told how many bytes the board has.

    Raises OSError: the drive went away before the board had all but the last bytes. With those it
    restarts, often before it has confirmed them.
    """
    with open(drive / "firmware.uf2", "wb", buffering=0) as file:
        for at in range(0, len(content), _CHUNK):
            end = min(at + _CHUNK, len(content))
            try:
                if file.write(content[at:end]) != end - at:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())  # else the bytes may be with the PC only
            except OSError:
                if end < len(content) or (drive / INFO).exists():
                    raise
            progress(end)
