"""What a soak or a storm came to, as tables."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tools.soak.soak import Result
from tools.soak.storms import Weather
from tools.soak.week import Result as Slept


def table(console: Console, title: str, rows: list[tuple]) -> None:
    made = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        made.add_row(*map(str, row))
    console.print(made)


def counted(counts: Counter) -> list[tuple[str, int]]:
    return [(name, n) for name, n in sorted(counts.items()) if n]


def show(result: Result, console: Console) -> None:
    """Print the books of a soak, and its verdict."""
    show_books(result, console)
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
    what = f"seed {result.seed}, {result.minutes:g} minutes"
    verdict(result, what, "nothing run twice", console)


def show_books(result: Result | Slept, console: Console) -> None:
    """Print what became of records and commands."""
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


def show_slept(result: Slept, console: Console) -> None:
    """Print what the days of a board that sleeps came to, and the verdict."""
    show_books(result, console)
    table(console, "Starts after", counted(result.restarts))
    table(console, "Faults", counted(result.faults))
    slept_days = max(result.slept_s, 1) / 86400
    rows = [("days", f"{slept_days:.1f}"), ("wakes", result.wakes), ("reports", result.reports)]
    rows += [(f"{key}, of most reports", n) for key, n in result.usual.items()]
    rows += [
        ("seconds awake a day", f"{result.awake_s / slept_days:.0f}"),
        ("blocks erased a day", f"{result.erases['all'] / slept_days:.0f}"),
        ("of them the worst block", f"{result.erases['worst'] / slept_days:.0f}"),
        ("updates assigned", result.updates["assigned"]),
        ("updates confirmed", result.updates["confirmed"]),
    ]
    table(console, "The board", rows)
    verdict(result, f"seed {result.seed}, {result.days:g} days", "no record twice", console)


def verdict(result: Result | Slept, what: str, never: str, console: Console) -> None:
    found = result.faults_found()
    for text in found:
        console.print(f"[red]{text}[/]")
    console.print(f"{what}: {'NOT WELL' if found else 'nothing lost, ' + never}")


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
