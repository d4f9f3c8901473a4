"""Boards with a main.py of a test's own, and the begin of one that counts its starts."""

from contextlib import contextmanager
from pathlib import Path

from tools.vboard import Board

# n is 0 at the first. The number is on flash: no RAM is kept.
COUNTED = """
import machine, time
try:
    n = int(open("count").read())
except OSError:
    n = 0
with open("count", "w") as f:
    f.write(str(n + 1))
print("start", n, machine.reset_cause())
"""


@contextmanager
def boards(folder: Path):
    """Give a function that starts a board with a main.py and other files, by their names.

    settings are those of Board. All boards are switched off in the end.
    """
    started = []

    def start(main, files=None, **settings):
        root = folder / "root"
        root.mkdir()
        for name, text in {"main": main, **(files or {})}.items():
            (root / f"{name}.py").write_text(text)
        board = Board(folder / "flash.img", **settings)
        started.append(board)
        board.format()
        board.deploy(root)
        board.start()
        return board

    yield start
    for board in started:
        board.stop()
