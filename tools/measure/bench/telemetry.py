"""A telemetry report by our client on MicroPython and by aiocoap's on CPython.

Both talk to one simulator, taking turns; each figure is the median of the turns. CPU time is what
the operating system counted for the client's process, less that of a process that sends
one report only.

ThingsBoard answers a CON by a CON without any ACK. aiocoap then holds back its next request until
a repetition was acknowledged, 2 to 3 s later; so the two are compared with piggybacked answers
(the simulator's switch), and our client is measured once more with the server's own.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.measure.size import measure_heap, measure_mpy
from tools.tbsim import Simulator
from tools.unixport import BUILD, ROOT, environment, micropython

TURNS = 5
TIMEOUT_S = 60  # of one turn
REPORTS = 3000  # in one turn, from one socket: the server remembers message ids for 247 s
PORT_SCRIPT = ROOT / "tools" / "measure" / "device" / "round_trips.py"
BODY = b'{"temperature":21.5}'


async def aiocoap_client(port: int, number: int) -> float:
    """Send reports by aiocoap's client; returns the seconds that all but the first took."""
    import aiocoap

    context = await aiocoap.Context.create_client_context()
    uri = f"coap://127.0.0.1:{port}/api/v1/TOKEN/telemetry"

    async def report():
        await context.request(aiocoap.Message(code=aiocoap.POST, uri=uri, payload=BODY)).response

    await report()
    start = time.perf_counter()
    for _ in range(number):
        await report()
    seconds = time.perf_counter() - start
    await context.shutdown()
    return seconds


def run(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a client to its end; returns its own seconds and its process's CPU seconds."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    guard = threading.Timer(TIMEOUT_S, process.kill)
    guard.start()
    output = process.stdout.read()
    guard.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench: {command[0]} ended with {process.returncode}")
    return json.loads(output)["seconds"], usage.ru_utime + usage.ru_stime


def measure_clients(sim: Simulator, bytecode: Path) -> dict[str, dict[str, float]]:
    """Return {client: {"round_trips_per_s": .., "cpu_us": ..}}."""
    ours = ([micropython(), str(PORT_SCRIPT)], environment(bytecode))
    theirs = ([sys.executable, "-m", "tools.measure.bench.telemetry"], dict(os.environ))
    clients = {"ours": (True, *ours), "aiocoap": (True, *theirs), "ours, no ACK": (False, *ours)}
    turns: dict[str, list] = {name: [] for name in clients}
    for _ in range(TURNS):
        for name, (piggybacked, command, env) in clients.items():
            sim.switches.piggyback_typed = piggybacked
            _, idle = run([*command, str(sim.port), "0"], env)
            seconds, busy = run([*command, str(sim.port), str(REPORTS)], env)
            turns[name].append((REPORTS / seconds, (busy - idle) / REPORTS * 1e6))
            sim.events.clear()
    return {
        name: {
            "round_trips_per_s": round(statistics.median(t[0] for t in of), 1),
            "cpu_us": round(statistics.median(t[1] for t in of), 1),
        }
        for name, of in turns.items()
    }


def measure_report(sim: Simulator, bytecode: Path) -> dict[str, int]:
    """Return datagrams and bytes (CoAP, both ways) of one report."""
    sim.events.clear()
    sim.switches.piggyback_typed = False
    run([micropython(), str(PORT_SCRIPT), str(sim.port), "0"], environment(bytecode))
    sim.until(lambda: len(sim.events) == 3, timeout=1)
    return {
        "datagrams": len(sim.events),
        "bytes": sum(len(event.datagram) for event in sim.events),
    }


def measure() -> dict:
    """Return {"telemetry": .., "report": .., "heap": ..}."""
    bytecode = BUILD / "bench" / "telemetry"
    measure_mpy(bytecode)
    with Simulator(at_once=True) as sim:  # how fast the clients are, not the server
        sim.add_device("bench", "TOKEN")
        clients = measure_clients(sim, bytecode)
        report = measure_report(sim, bytecode)
    return {"telemetry": clients, "report": report, "heap": measure_heap(bytecode)}


def show(result: dict, console: Console) -> None:
    table = Table("CON telemetry", "round trips/s", "client CPU, us")
    for name, figures in result["telemetry"].items():
        table.add_row(name, str(figures["round_trips_per_s"]), str(figures["cpu_us"]))
    console.print(table)
    report = result["report"]
    console.print(f"one report: {report['datagrams']} datagrams, {report['bytes']} bytes of CoAP")
    console.print(f"heap of a round trip: {result['heap']['round_trip']} bytes")


if __name__ == "__main__":
    print(json.dumps({"seconds": asyncio.run(aiocoap_client(*map(int, sys.argv[1:3])))}))
