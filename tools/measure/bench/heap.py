"""The smallest heap in which an update comes to its end, and the same board without an update.

On the unix port with 64 bits; with 32 it is 0.7 of that (docs/figures.md). The board's start code,
the libraries and fragmentation are included. No job may report that memory ran out, at any seed.
"""

from concurrent.futures import Executor
from pathlib import Path

from tools.measure.bench import download
from tools.vboard import BoardError

LOSS = 0.05  # blocks come out of order, too
SEEDS = (1, 2, 3)
LEAST, MOST = 64, 192  # KiB, where it is looked for
STEP = 2
TIMEOUT_S = 30


def measure(pool: Executor, folder: Path) -> dict[str, int]:
    """Return bytes: {"with_update": .., "without_update": .., "update": their difference}."""

    def works(kib):
        return all(pool.map(updates, *zip(*[(folder, seed, kib) for seed in SEEDS], strict=True)))

    found = smallest(works)
    idle = smallest(lambda kib: pool.submit(starts, folder, kib).result())
    return {"with_update": found, "without_update": idle, "update": found - idle}


def smallest(works) -> int:
    """Return the bytes of the smallest heap for which works(KiB) holds, MOST if none is found."""
    low, high = LEAST, MOST
    while high - low > STEP:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high * 1024


def updates(folder: Path, seed: int, kib: int) -> bool:
    try:
        download.ours(folder, LOSS, seed, heap=f"{kib}k", timeout_s=TIMEOUT_S)
    except (BoardError, download.DownloadError):
        return False
    return True


def starts(folder: Path, kib: int) -> bool:
    try:
        download.without_update(folder, heap=f"{kib}k")
    except BoardError:
        return False
    return True
