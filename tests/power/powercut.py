"""Power cuts at every flash operation of a run, without running it again for each.

A script on the virtual board says its flash operations before it does them. The flash after a cut
is the one before the run with the operations up to the cut applied, the last one perhaps by half:
what the chip itself does, and a sample of real cuts is compared. From each such image new
processes start by the stock rules until the update is done; every promise is checked.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.vboard import BLOCK, Board

EVERY_CUT = bool(os.environ.get("EVERY_CUT"))  # else a sample
SAMPLE = 24
DEVICE = Path(__file__).resolve().parent / "device"
HEAP = "1M"  # of the script and what it logs; what an update needs is measured elsewhere
MAX_BOOTS = 8  # from a cut to the end of the update
MAX_TWICE = 8192  # bytes of the package that may be fetched twice


class NotCut(Exception):
    """The run was over before."""


@dataclass
class Operation:
    """A page programmed or a block erased; fed: bytes of the package taken before it."""

    address: int
    data: bytes | None  # None: an erase
    fed: int

    def apply(self, flash: bytearray, half: bool = False) -> None:
        data = self.data or b"\xff" * BLOCK
        if half:
            data = data[: len(data) // 2]
        place = slice(self.address, self.address + len(data))
        if self.data:
            mask = int.from_bytes(flash[place], "big")
            data = (int.from_bytes(data, "big") & mask).to_bytes(len(data), "big")
        flash[place] = data


@dataclass(frozen=True)
class Cut:
    """Power fails before this operation (the first is 0), or in the middle of it."""

    number: int
    half: bool

    def __str__(self):
        return f"{'in' if self.half else 'before'} operation {self.number}"


class Recording:
    """A run from an image: its operations, and all that it said besides."""

    def __init__(self, image: bytes, console: str):
        self.image = image
        self.lines = []
        self.operations: list[Operation] = []
        fed = 0
        for line in console.splitlines():
            word, _, rest = line.partition(" ")
            if word == "program":
                address, data = rest.split()
                self.operations.append(Operation(int(address), bytes.fromhex(data), fed))
            elif word == "erase":
                self.operations.append(Operation(int(rest) * BLOCK, None, fed))
            else:
                fed = int(rest) if word == "fed" else fed
                self.lines.append(line)

    def cuts(self) -> list[Cut]:
        """Return every cut, but for halves that leave the flash as it was or as it will be."""
        found = []
        flash = bytearray(self.image)
        for number, operation in enumerate(self.operations):
            found.append(Cut(number, False))
            place = slice(operation.address, operation.address + BLOCK)
            before = flash[place]
            operation.apply(flash, half=True)
            half = flash[place]
            operation.apply(flash)
            if half not in (before, flash[place]):
                found.append(Cut(number, True))
        return found

    def flash_at(self, cut: Cut) -> bytes:
        flash = bytearray(self.image)
        for operation in self.operations[: cut.number]:
            operation.apply(flash)
        if cut.half:
            self.operations[cut.number].apply(flash, half=True)
        return bytes(flash)

    def fed_at(self, cut: Cut) -> int:
        return self.operations[cut.number].fed


def script(path: Path, module: str, *arguments) -> Path:
    """Write what calls run(chip, *arguments) of a module of the folder device, on the board."""
    call = ", ".join(map(repr, arguments))
    path.write_text(
        f"import sys\nsys.path.append({'/host' + str(DEVICE)!r})\n"
        f"import {module}\n{module}.run(chip, {call})\n"
    )
    return path


def sample(cuts: list[Cut]) -> list[Cut]:
    """Return all of them, or some at even distances and the last few, according to EVERY_CUT."""
    return cuts if EVERY_CUT else cuts[3 :: max(1, len(cuts) // SAMPLE)] + cuts[-3:]


def really_cut(board: Board, script: Path, cut: Cut) -> str:
    """Run a script on a board that loses power; return what it said. Raises NotCut."""
    end, said = board.attempt(script, HEAP, cut_at=cut.number + 1, half=cut.half)
    if end.cause == "exit":
        raise NotCut
    assert end.cause == "cut", end
    return said


def finish(board: Board, script: Path, old: str, new: str, floor: int) -> int:
    """Boot until the update is done; return how many bytes of the package that fetched.

    AssertionError if anything but the old or the new version runs, or the old one again after the
    new one was confirmed, or the floor of the sequence was lost.
    """
    fed = 0
    for _ in range(MAX_BOOTS):
        lines = board.execute(script, heap=HEAP).splitlines()
        runs = [line.split() for line in lines if line.startswith("runs ")]
        assert len(runs) == 1 and runs[0][1] in (old, new), lines
        assert not [line for line in lines if line.startswith("mixed")], lines
        assert int(runs[0][3]) >= floor, f"the floor is lost: {lines}"
        fed += max([int(line.split()[1]) for line in lines if line.startswith("fed")], default=0)
        if "done" in lines:
            assert runs[0][1] == new, lines
            return fed
    raise AssertionError(f"not done after {MAX_BOOTS} boots: {lines}")


def survive(
    recording: Recording, cuts: list[Cut], folder: Path, check: Callable[[Path, Cut], None]
) -> list[str]:
    """Call check(image file, cut) once for each cut; return a line for each that failed."""

    def one(cut):
        image = folder / f"{cut.number}{'h' if cut.half else ''}.img"
        image.write_bytes(recording.flash_at(cut))
        image.with_name(image.name + ".wear").write_bytes(bytes(len(recording.image) // BLOCK * 4))
        try:
            check(image, cut)
        except Exception as error:  # whatever it was, the others are checked as well
            return f"{cut}: {error!r}"
        finally:
            image.unlink()
            image.with_name(image.name + ".wear").unlink()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(one, dict.fromkeys(cuts)) if text]
