"""`python -m tools.load --devices 1000 --seconds 60`: a fleet against a server, and the figures.

Writes build/load.json. Exits with 1 if a record was lost, or a device's session had a fault.
"""

import json
import os
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.load import report
from tools.load.plan import Plan, PlanError
from tools.load.run import run
from tools.unixport import BUILD

RESULT = BUILD / "load.json"
PORT = 5683
PROCESSES = max(1, (os.cpu_count() or 2) - 1)  # one core is the server's
MOST = 20_000  # a source port each, of the 28,000 that Linux gives out

app = typer.Typer(add_completion=False)


@app.command()
def main(
    devices: Annotated[int, typer.Option(min=1, max=MOST, help="how many")] = 1000,
    seconds: Annotated[float, typer.Option(min=3, max=3600, help="how long they record")] = 60,
    period: Annotated[
        float, typer.Option(min=0.1, max=3600, help="seconds between two records of a device")
    ] = 10,
    keepalive: Annotated[
        float, typer.Option(min=1, max=86400, help="seconds between two signs of life")
    ] = 25,
    ramp: Annotated[
        float, typer.Option(min=0, max=600, help="seconds in which they start; 0: all at once")
    ] = 5,
    outage: Annotated[
        float,
        typer.Option(min=0, max=600, help="seconds of silence before the simulator is restarted"),
    ] = 10,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="that the devices share")
    ] = PROCESSES,
    server: Annotated[
        str, typer.Option(help="host or host:port of another server than the simulator")
    ] = "",
    tokens: Annotated[
        Path, typer.Option(help="a file with an access token of that server in each line")
    ] = None,
):
    """Be a fleet of devices, and print what the server made of it."""
    console = Console(highlight=False)
    plan = Plan(devices, seconds, period, keepalive, ramp, min(processes, devices), outage)
    try:
        if bool(server) != bool(tokens):
            raise PlanError("--server and --tokens belong together: whose devices are they to be?")
        if server:
            result = run(plan, resolved(server), read_tokens(tokens, devices))
        else:
            result = run(plan)
    except PlanError as error:
        console.print(f"load: {error}", markup=False, style="red", soft_wrap=True)
        raise SystemExit(1) from None
    report.show(result, console)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    faults = said(result)
    for text in faults:
        console.print(text, style="red")
    raise SystemExit(bool(faults))


def said(result: dict) -> list[str]:
    """Return what must not be, a sentence each."""
    faults = []
    if lost := result.get("server", {}).get("lost"):
        faults.append(f"{lost} records were accepted, and are not stored")
    if result["faults"]:
        faults.append(f"a device's session had a fault: {result['last_fault']}")
    if not result["records"]["accepted"]:
        faults.append(
            "no record was accepted: is the server there, and are the access tokens its?"
        )
    return faults


def resolved(server: str) -> tuple[str, int]:
    """Return the address of host or host:port, as a number. PlanError."""
    host, colon, port = server.partition(":")
    if colon and not (port.isdigit() and 0 < int(port) < 1 << 16):
        raise PlanError(f"--server {server}: host or host:port is wanted")
    try:
        found = socket.getaddrinfo(host, int(port or PORT), socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise PlanError(f"--server {server}: {error.strerror or error}") from None
    return found[0][4]


def read_tokens(path: Path, devices: int) -> list[str]:
    """Return as many access tokens as devices are wanted. PlanError; no token is told."""
    try:
        tokens = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise PlanError(f"--tokens {path}: {why}") from None
    if len(tokens) < devices:
        raise PlanError(f"--tokens {path}: {devices} devices are wanted, and it has {len(tokens)}")
    return tokens[:devices]


if __name__ == "__main__":
    app()
