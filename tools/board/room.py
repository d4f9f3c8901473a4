"""Whether a board's flash has room for updates beside what is put on it.

Three copies of the application are there at most: the factory's, the one that runs, and the next.
"""

from collections.abc import Collection, Iterable

from tools import boards
from tools.package.application import Extra

COPIES = 3
# Blocks of flash:
RUNS_THEM = 18  # what no update replaces, settings and state; measured on a virtual Pico W
BESIDE = 9  # of a copy, for folders and its header; lib/abupdate/abupdate/app_slot.py wants 8
FOLDER = 2
SLEEPERS_JOURNAL = 64  # KB, where a board has none else: firmware/settings.py
_KB = 1024


def lacking(
    factory: Iterable[tuple[str, bytes]],
    board: boards.Board,
    settings: dict,
    extras: Collection[Extra],
) -> int:
    """Return how many blocks an update will lack at most, 0 or less if it has room.

    factory: the files of the first copy.
    """
    block = board.filesystem.block_size
    copy = BESIDE + sum(1 + len(content) // block for _, content in factory)
    journal = _journal_kb(board, settings, extras) * _KB
    journal_blocks = FOLDER + -(-journal // block) if journal else 0
    return RUNS_THEM + COPIES * copy + journal_blocks - board.filesystem.block_count


def _journal_kb(board, settings, extras):
    # Settings that a board has may be wrong, which is told elsewhere.
    said = str(settings.get("journal", "")).strip()
    if said.isdecimal():
        return int(said)
    return board.journal or SLEEPERS_JOURNAL * (Extra.low_power in extras)
