"""What a report costs a device that sleeps, beside the same report by MQTT (docs/low-power.md)."""

import json
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from tools.measure.low_power import network
from tools.unixport import ROOT

TIMEOUT_S = 900


def measure() -> dict:
    """Return {"low_power": rows}; {"low_power": a sentence} where this PC cannot count packets."""
    if missing := network.missing():
        return {"low_power": f"low power is not measured: {missing}"}
    command = network.alone(sys.executable, "-m", "tools.measure.low_power")
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=network.environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if run.returncode:
        raise OSError(f"low power: {run.stderr.strip().splitlines()[-1]}")
    return {"low_power": [json.loads(line) for line in run.stdout.splitlines()]}


def show(result: dict, console: Console) -> None:
    rows = result["low_power"]
    if isinstance(rows, str):
        console.print(rows)
        return
    table = Table("a report by", "records", "round trip", "packets", "bytes", "seconds", "awake")
    for row in rows:
        way = row["by"]
        if row.get("listens"):
            way += ", listens"
        if row["secure"]:
            way += ", (D)TLS"
        reports = "rtt_ms" in row  # else a wake without one
        table.add_row(
            way,
            str(row.get("records", "")),
            f"{row['rtt_ms']} ms" if reports else "",
            f"{row['up']} + {row['down']}" if reports else "",
            str(row.get("bytes", "")),
            str(row.get("seconds", "")),
            f"{row['awake_s']} s" if "awake_s" in row else "",
        )
    console.print(table)
