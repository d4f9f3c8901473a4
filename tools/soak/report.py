"""What a soak or a storm came to, as tables."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tools.soak.soak import Result
from tools.soak.storms import Weather


def table(console: Console, title: str, rows: list[tuple]) -> None:
    made = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        made.add_row(*map(str, row))
    console.print(made)


def counted(counts: Counter) -> list[tuple[str, int]]:
    return [(name, n) for name, n in sorted(counts.items()) if n]


def show(result: Result, console: Console) -> None:
    """Print the books of a soak, and its verdict."""
    records, commands = result.records, result.commands
    rows = [
        ("measured", records.measured),
        ("stored", records.stored),
        ("stored under two times", records.twice),
        ("received again, kept once", records.again),
        *[(f"lost: {why}", n) for why, n in counted(records.lost)],
    ]
    table(console, "Records", rows)
    rows = [
        ("sent", commands.sent),
        ("run", commands.run),
        ("answered", commands.answered),
        ("nobody heard", commands.unheard),
        ("run twice", len(commands.twice)),
        ("answered wrongly", len(commands.false)),
    ]
    table(console, "Commands", rows)
    table(console, "Restarts", counted(result.restarts) or [("none", "")])
    rows = [
        ("heap free at start, KiB", result.heap[0]),
        ("heap free at end, KiB", result.heap[1]),
        ("flash blocks erased", result.erases["all"]),
        ("the worst block", result.erases["worst"]),
        ("updates assigned", result.updates["assigned"]),
        ("updates confirmed", result.updates["confirmed"]),
    ]
    table(console, "The board", rows)
    table(console, "Faults", counted(result.faults) or [("none", "")])
    for text in result.faults_found():
        console.print(f"[red]{text}[/]")
    console.print(
        f"seed {result.seed}, {result.minutes:g} minutes: "
        f"{'NOT WELL' if result.faults_found() else 'nothing lost, nothing run twice'}"
    )


def show_storm(weather: Weather, console: Console) -> None:
    """Print what a storm did."""
    rows = [
        ("datagrams to the board", weather.down),
        ("datagrams of the board", weather.up),
        ("commands sent, run, run twice", f"{weather.sent}, {weather.run}, {weather.twice}"),
        ("restarts", sum(weather.restarts.values())),
        *counted(weather.restarts),
        ("heap free before, least in it, after, KiB", "%d, %d, %d" % weather.heap),
        ("records measured, stored", f"{weather.measured}, {weather.stored}"),
        ("telemetry after it", "yes" if weather.telemetry_after else "NO"),
    ]
    table(console, f"Storm: {weather.name}, {weather.minutes:g} minutes", rows)
    for text in weather.faults_found():
        console.print(f"[red]{text}[/]")
