"""The figures of a run, as tables."""

from rich.console import Console
from rich.table import Table

BAR = 40  # characters of the longest
SECONDS = 30  # shown after a restart


def show(result: dict, console: Console) -> None:
    records = result["records"]
    rows = [
        ("accepted each second", records["accepted_per_s"]),
        ("made", records["made"]),
        ("accepted", records["accepted"]),
        ("still waiting at the end", records["waiting"]),
        ("dropped by a full outbox", records["dropped"]),
        ("refused by the server", records["refused"]),
        ("from made to accepted", percentiles(result["latency_ms"])),
    ]
    if server := result.get("server"):
        rows += [
            ("stored", server["stored"]),
            ("accepted, and not stored", server["lost"]),
            (
                "stored again with the same time, which a database keeps once",
                server["stored_again"],
            ),
            ("stored under two times", server["stored_twice"]),
        ]
    rows += [
        ("registrations asked for", result["registrations"]),
        ("repeated requests", result["retransmissions"]),
        ("faults in a device's session", result["faults"]),
    ]
    if wire := result.get("wire"):
        rows += [
            ("datagrams of a device in an hour, both ways", wire["datagrams_per_hour"]),
            ("bytes of CoAP in them", wire["bytes_per_hour"]),
        ]
    table(console, "Records", rows)
    if restart := result.get("restart"):
        show_restart(result["devices"], restart, console)


def show_restart(devices: int, restart: dict, console: Console) -> None:
    s = restart["registered_again_s"]
    registrations = restart["registrations_each_s"]
    datagrams = restart["datagrams_each_s"]
    rows = [
        ("the server was silent for", f"{restart['outage_s']:g} s"),
        ("and its core took, from the first datagram", f"{restart['core_s']:g} s"),
        ("devices with both observations again", f"{restart['registered_again']} of {devices}"),
        ("after", ", ".join(f"{name} {value:g} s" for name, value in s.items())),
        ("registrations a second before", restart["calm_registrations_per_s"]),
        ("and in the busiest second after it", max(registrations, default=0)),
        ("from made to accepted, in calm", percentiles(restart["latency_ms"])),
        ("in the outage", percentiles(restart["latency_outage_ms"])),
    ]
    table(console, "The restart of the server", rows)
    made = Table(title="What came after it, each second", title_justify="left")
    for name in ("second", "datagrams", "registrations"):
        made.add_column(name, justify="right")
    made.add_column("")
    for second, count in enumerate(registrations[:SECONDS]):
        bar = "#" * round(BAR * count / max(registrations))
        made.add_row(str(second), str(sum(datagrams[second : second + 1])), str(count), bar)
    console.print(made)


def table(console: Console, title: str, rows: list[tuple]) -> None:
    made = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        made.add_row(*map(str, row))
    console.print(made)


def percentiles(ms: dict[str, int]) -> str:
    return ", ".join(f"{name} {value} ms" for name, value in ms.items()) or "none"
