"""`python -m tools.soak run`, `storm NAME ...` and `sleep`; they exit with 1 if it went badly."""

import contextlib
import random
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tools.soak import report, storms
from tools.soak.scene import Scene
from tools.soak.soak import soak
from tools.soak.week import week
from tools.unixport import BUILD
from tools.vboard import BoardError

FOLDER = BUILD / "soak"

app = typer.Typer(add_completion=False)
console = Console(highlight=False)
Secure = Annotated[bool, typer.Option("--secure", help="they speak DTLS")]
Name = Enum("Name", {name: name for name in storms.KINDS}, type=str)


@contextlib.contextmanager
def told():
    """Yield a function tell(text, part that is done) that moves a bar."""
    columns = BarColumn(20), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        bar = bars.add_task("starting", total=1.0)
        yield lambda text, done: bars.update(bar, completed=done, description=escape(text))


@app.command("run")
def run(
    minutes: Annotated[float, typer.Option(help="of faults; a quiet end comes on top")] = 5,
    seed: Annotated[int, typer.Option(help="of the faults; drawn if left out")] = None,
    heap: Annotated[str, typer.Option(help="of the board; that of its port if left out")] = None,
    folder: Annotated[Path, typer.Option(help="for the board and events.log")] = FOLDER,
    secure: Secure = False,
):
    """Run the firmware through random faults and close the books."""
    seed = random.randrange(1_000_000) if seed is None else seed
    console.print(f"seed {seed}, {minutes:g} minutes; events in {folder}/events.log")
    try:
        with Scene(folder, seed, heap, secure) as scene, told() as tell:
            result = soak(scene, seed, minutes, tell)
    except BoardError as error:
        console.print(f"[red]{escape(str(error))}[/]\nseed {seed}")
        raise SystemExit(1) from None
    report.show(result, console)
    raise SystemExit(bool(result.faults_found()))


@app.command("storm")
def storm(
    names: Annotated[list[Name], typer.Argument(help="which; all by default")] = None,
    minutes: Annotated[float, typer.Option(help="of each")] = 0.5,
    heap: Annotated[str, typer.Option(help="of the board; that of its port if left out")] = None,
    folder: Annotated[Path, typer.Option(help="for the boards and their events.log")] = FOLDER,
    secure: Secure = False,
):
    """Let storms go over the firmware, one after the other."""
    bad = []
    for name in [given.value for given in names or list(Name)]:
        try:
            with Scene(folder / name, 1, heap, secure) as scene, told() as tell:
                weather = storms.storm(scene, name, minutes, tell)
        except BoardError as error:
            console.print(f"[red]{name}: {escape(str(error))}[/]")
            bad.append(name)
            continue
        report.show_storm(weather, console)
        bad += [name] if weather.faults_found() else []
    console.print(f"[red]NOT WELL: {', '.join(bad)}[/]" if bad else "all well")
    raise SystemExit(bool(bad))


@app.command("sleep")
def sleep(
    days: Annotated[float, typer.Option(min=0.25, help="of the board, with faults")] = 7,
    board: Annotated[str, typer.Option(help="one of boards/")] = "ESP32_GENERIC",
    seed: Annotated[int, typer.Option(help="of the faults; drawn if left out")] = None,
    folder: Annotated[Path, typer.Option(help="for the board and events.log")] = FOLDER,
    calm: Annotated[bool, typer.Option("--calm", help="without faults")] = False,
):
    """Let a board sleep and report for days, which pass in minutes, and close the books."""
    seed = random.randrange(1_000_000) if seed is None else seed
    folder = folder / f"sleep-{board}"
    console.print(f"{board}, seed {seed}, {days:g} days; events in {folder}/events.log")
    try:
        with told() as tell:
            result = week(folder, seed, days, board, tell, {} if calm else None)
    except (BoardError, ValueError) as error:  # stuck; no such board
        console.print(f"[red]{escape(str(error))}[/]\nseed {seed}")
        raise SystemExit(1) from None
    report.show_slept(result, console)
    raise SystemExit(bool(result.faults_found()))


if __name__ == "__main__":
    app()
