"""Measure and print the table, as Markdown."""

import json
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from tools.unixport import LIBRARIES, environment, micropython

DEVICE = Path(__file__).with_name("device")
SEEDS = 5
TIMEOUT_S = 600


def measure(seeds: int = SEEDS) -> list[dict]:
    """Return the cells: board, loss (per cent each way), rtt_ms, window; means of seconds and of
    the requests that were repeated.
    """
    run = subprocess.run(
        [micropython(), "-X", "heapsize=8M", str(DEVICE / "windows.py"), str(seeds)],
        env=environment(*LIBRARIES, DEVICE),
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def table(cells: list[dict]) -> str:
    """Return rows of Markdown; the shortest time of each is bold."""
    windows = sorted({cell["window"] for cell in cells})
    head = ["board", "lost each way", "round trip", f"window {windows[0]}"]
    rows = [head + [str(window) for window in windows[1:]], ["---"] * (3 + len(windows))]
    said = [None, None]
    for key, row in groupby(cells, lambda cell: (cell["board"], cell["loss"], cell["rtt_ms"])):
        board, loss, rtt_ms = key
        names = [
            board if board != said[0] else "",
            f"{loss} %" if [board, loss] != said else "",
            f"{rtt_ms} ms",
        ]
        said = [board, loss]
        times = [f"{cell['seconds']:.1f}" for cell in row]
        best = min(times, key=float)
        rows.append(names + [f"**{time}**" if time == best else time for time in times])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(seeds: Annotated[int, typer.Option(min=1, help="downloads in each cell")] = SEEDS):
    """Print how long 128 KiB take by window, board, loss and round trip."""
    print(table(measure(seeds)))


if __name__ == "__main__":
    typer.run(main)
