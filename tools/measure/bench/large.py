"""A package of 2 MiB without any delay on the link: ours into no flash, beside libcoap's client.

The two take turns, each with a simulator of its own; the figures are medians of seconds from the
first request to the last answer. Ours may take three times as long as libcoap's, which is C; what
the flash of a board takes comes on top.
"""

import json
import random
import statistics
import subprocess
import tempfile
import zlib
from pathlib import Path

from rich.console import Console

from tools.measure.bench import download
from tools.tbsim import Package, Simulator
from tools.unixport import LIBRARIES, ROOT, environment, micropython

TURNS = 5
BYTES = 2 << 20
WINDOW = 5  # as an ESP32 has it
MOST = 3  # times libcoap's
TIMEOUT_S = 60
PORT_SCRIPT = ROOT / "tools" / "measure" / "device" / "fetch.py"
TOKEN, TITLE, VERSION = "TOKEN", "large", "1.1"


def measure() -> dict:
    """Return {"large": {"ours_s": .., "libcoap_s": .., "times": ours by libcoap's, ..}}."""
    data = random.Random(1).randbytes(BYTES)
    clients = {"ours": ours}
    if not download.missing():
        clients["libcoap"] = libcoap
    seconds = {name: [] for name in clients}
    for _ in range(TURNS):
        for name, fetch in clients.items():
            with Simulator() as sim:
                sim.assign(sim.add_device("large", TOKEN), Package(TITLE, VERSION, data))
                fetch(sim.port, data)
                seconds[name].append(download.seen(sim, 0).seconds)
    cell = {"package_bytes": BYTES, "window": WINDOW}
    cell |= {f"{name}_s": round(statistics.median(of), 3) for name, of in seconds.items()}
    if "libcoap_s" in cell:
        cell["times"] = round(cell["ours_s"] / cell["libcoap_s"], 2)
    return {"large": cell}


def ours(port: int, data: bytes) -> None:
    """Download by our client on the unix port. DownloadError if other bytes come."""
    arguments = str(port), TOKEN, TITLE, VERSION, str(WINDOW)
    run = subprocess.run(
        [micropython(), str(PORT_SCRIPT), *arguments],
        env=environment(*LIBRARIES),
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    if json.loads(run.stdout) != {"bytes": len(data), "crc": zlib.crc32(data)}:
        raise download.DownloadError(f"ours fetched something else: {run.stdout}")


def libcoap(port: int, data: bytes) -> None:
    """Download by libcoap's client. DownloadError if other bytes come."""
    url = f"coap://127.0.0.1:{port}/fw/{TOKEN}?title={TITLE}&version={VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "package")
        command = [*download.LIBCOAP, "-B", str(TIMEOUT_S), "-o", str(file), url]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=2 * TIMEOUT_S)
        if not file.exists() or file.read_bytes() != data:
            raise download.DownloadError("libcoap fetched something else")


def show(result: dict, console: Console) -> None:
    cell = result["large"]
    console.print(
        f"2 MiB at RTT 0, without flash: ours {cell['ours_s']} s,",
        f"libcoap {cell.get('libcoap_s', '-')} s: {cell.get('times', '-')} times (aim: {MOST})",
    )
