"""Puts the firmware on a board by its cable, only what changed, so that it boots at any moment.

What changed is copied beside what runs, and compared. Then a plan is written, and the board moves
all of it to its place by itself (firmware/deployed.py). A cable pulled before that leaves the old
firmware, and a power cut after that is made good at the next start.
"""

import contextlib
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from tools import boards
from tools.board import monitor, ports, stage
from tools.board.link import Link, LinkError, connected
from tools.board.settings import known
from tools.package import application, keys
from tools.unixport import ROOT

FINISH = ROOT / "firmware" / "deployed.py"
NEW = "/new"
PLAN = NEW + "/plan"
FIRST = ("/deployed.mpy", "/boot.py")  # moved first: they finish what a power cut interrupts
# The update that a board runs, in words; nothing if it runs the copy that came by cable.
RUNS = """
import os, trial
run = trial.Trial(os).state['app']['run']
if run['slot'] != 'factory': print(run['title'], run['version'])
"""
SPARE = 8192  # bytes that a file system wants beside its files
STATE_S = 60  # until the firmware says that the server takes its records

console = Console(highlight=False)


def changes(link: Link, root: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return what a staged folder has other than the board, by path, and what is to be removed.

    Removed are files of the factory copy that it has no more, and in the root those that would be
    imported in the place of one with the same name. All else belongs to the owner.
    """
    staged = {f"/{path.relative_to(root).as_posix()}": path for path in files(root)}
    there = link.hashes("/factory")
    changed = {
        name: path.read_bytes()
        for name, path in staged.items()
        if there.get(name) != hashlib.sha256(path.read_bytes()).hexdigest()
    }
    stems = {name.rpartition(".")[0] for name in staged if name.endswith((".py", ".mpy"))}
    removed = [
        name
        for name in there
        if name not in staged
        and (
            name.startswith("/factory/")
            or name.endswith((".py", ".mpy"))
            and name.rpartition(".")[0] in stems
        )
    ]
    return changed, sorted(removed)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def copy(
    link: Link, changed: dict[str, bytes], removed: list[str], tell=lambda done: None
) -> None:
    """Copy what changed, compare it, and let the board move it to its place. Raises LinkError."""
    link.remove_tree(NEW)  # of a deployment that was cut off
    wanted = sum(map(len, changed.values())) + SPARE
    free = link.free()
    if free < wanted:
        raise LinkError(
            f"the board's flash has {free} bytes left and {wanted} are wanted: "
            "make erase-app frees the updates"
        )
    # What finishes an interrupted deployment comes first.
    order = [name for name in FIRST if name in changed]
    order += sorted(set(changed) - set(order))
    try:
        link.make_folder(NEW)
        done = 0
        for number, name in enumerate(order):
            data = changed[name]
            link.write(f"{NEW}/{number}", data, lambda bytes_, base=done: tell(base + bytes_))
            done += len(data)
            tell(done)
        arrived = link.hashes(NEW)
        for number, name in enumerate(order):
            if arrived.get(f"{NEW}/{number}") != hashlib.sha256(changed[name]).hexdigest():
                raise LinkError(f"{name} did not arrive as it was sent: deploy again")
    except LinkError:
        with contextlib.suppress(LinkError):
            link.remove_tree(NEW)  # what runs may want the room
        raise
    moves = [[str(number), name] for number, name in enumerate(order)]
    link.write(PLAN, json.dumps({"move": moves, "remove": removed}).encode())
    link.execute(FINISH.read_text() + "\nfinish()\n")


def deploy(link: Link, root: Path) -> int:
    """Bring a board to what a staged folder has; return how many files that took."""
    changed, removed = changes(link, root)
    if not (changed or removed):
        return 0
    total = sum(map(len, changed.values()))
    columns = "{task.description}", BarColumn(30), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("copying", total=total)
        copy(link, changed, removed, lambda done: bars.update(bar, completed=done))
    left = [name for part in changes(link, root) for name in part]
    if left:
        raise LinkError(f"{left[0]} is not what was deployed: deploy again")
    return len(changed) + len(removed)


def runs(link: Link) -> str | None:
    """Return title and version of the update that goes before what is deployed; None: none."""
    return link.execute(RUNS).strip() or None


def main(
    board: Annotated[str, typer.Option(help=", ".join(boards.names()))],
    port: Annotated[str, typer.Option(help="of the board; found if there is one board")] = "",
    settings: Annotated[
        Path, typer.Option(help="a settings.json; else the board keeps its own")
    ] = None,
    key: Annotated[list[Path], typer.Option(help="1 to 4 private keys that sign updates")] = (
        keys.DEFAULT,
    ),
    wait: Annotated[bool, typer.Option(help="show the first lines of its console")] = True,
):
    """Put the firmware on a board and restart it."""
    kind = boards.load(board)
    port = ports.find(port)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        values, named = stage.given(settings, kind)
        public_keys = stage.public_halves(key)
        with connected(port) as link:
            link.check(kind)
            own = values or known(link.read("/settings.json") or b"") or {}
            stage.stage(root, kind, values, public_keys, named, application.wanted(own))
            count = deploy(link, root)
            console.print(f"{count} files changed" if count else "the board has all of it already")
            update = runs(link)
            if update:
                console.print(f"it goes on with the update {update}: make erase-app ends that")
            if link.read("/settings.json") is None:
                console.print(f"it has no settings.json: make settings BOARD={board}")
                wait = False
            link.reset()
            if wait:
                open_port = link.transport.serial
                monitor.until(port, monitor.ACCEPTED, STATE_S, console.print, open_port)
