"""What a day of telemetry through the journal costs the flash: blocks erased, by how it writes."""

import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools import bytecode
from tools.unixport import ROOT
from tools.vboard import Board

DEVICE = ROOT / "tools" / "measure" / "device"
BOARDS = ("RPI_PICO_W", "ESP32_GENERIC")
SETTINGS = {
    "each at once": (1, 0),
    "10 records or 10 s": (10, 10),
    "60 records or 1 h": (60, 3600),
}
LINKS = {"good": True, "down all day": False}


def fresh(folder: Path, name: str) -> Board:
    """Return a board with the libraries and an empty file system beside them."""
    root = folder / "root"
    for library in ("coap", "thingsboard"):
        bytecode.copy_tree(ROOT / "lib" / library, root / "lib")
    board = Board(folder / f"{name}.img", board=name)
    board.format()
    board.deploy(root, compiled=False)
    return board


def day(folder: Path, board: Board, records: int, seconds: int, online: bool) -> dict[str, int]:
    """Return {"erases": .., "worst": of one block, "most": in one call, "waiting": records}."""
    before = board.flash.wear()
    script = folder / "day.py"
    script.write_text(
        f"import sys\nsys.path.append({'/host' + str(DEVICE)!r})\n"
        f"import journal_day\njournal_day.run(chip, {records}, {seconds}, {online})\n"
    )
    said = json.loads(board.execute(script))
    worn = [after - n for n, after in zip(before, board.flash.wear(), strict=True)]
    assert sum(worn) == said["erases"]
    return {**said, "worst": max(worn)}


def measure() -> dict:
    """Return {"wear": [{"board", "writes", "link", "erases", "worst", "most", "waiting"}]}."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in BOARDS:
            for writes, (records, seconds) in SETTINGS.items():
                for link, online in LINKS.items():
                    folder = Path(temporary) / str(len(rows))
                    board = fresh(folder, name)
                    figures = day(folder, board, records, seconds, online)
                    rows.append({"board": name, "writes": writes, "link": link, **figures})
    return {"wear": rows}


def show(result: dict, console: Console) -> None:
    table = Table(title="A day of a record a minute through the journal", title_justify="left")
    for column in ("board", "writes", "link", "erases", "worst block", "most in one call"):
        table.add_column(column, justify="right" if table.columns[2:] else "left")
    for row in result["wear"]:
        table.add_row(
            *[str(row[key]) for key in ("board", "writes", "link", "erases")],
            str(row["worst"]),
            str(row["most"]),
        )
    console.print(table)
