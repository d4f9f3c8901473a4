"""What DTLS costs: the handshake, a report, memory; and records in JSON against Protobuf.

A relay between client and simulator counts the datagrams. Times are of this PC; docs/security.md
has those of a board. Heap is the interpreter's, on 64 bits; what Mbed TLS takes at most comes from
the C library here, and on an RP2 from the interpreter's heap.
"""

import json
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools import certificates
from tools.measure.size import measure_mpy
from tools.tbsim import Simulator
from tools.unixport import BUILD, ROOT, environment, micropython

TURNS = 7
TIMEOUT_S = 30
BUFFER = 65536
SCRIPT = ROOT / "tools" / "measure" / "device" / "association.py"
RECORDS = ROOT / "tools" / "measure" / "device" / "records.py"
MALLOCS = Path(__file__).with_name("mallocs.c")


class Relay:
    """`with Relay(port) as relay:` passes datagrams on from relay.port, and notes their sizes."""

    def __init__(self, port: int):
        self.sizes: list[int] = []
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.connect(("127.0.0.1", port))
        self._client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._client.bind(("127.0.0.1", 0))
        self.port = self._client.getsockname()[1]
        self._thread = threading.Thread(target=self._pass)
        self._over = False

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join()
        self._server.close()
        self._client.close()

    def _pass(self):
        address = None
        while not self._over:
            ready, _, _ = select.select([self._client, self._server], [], [], 0.1)
            for one in ready:
                if one is self._client:
                    data, address = one.recvfrom(BUFFER)
                    self._server.send(data)
                else:
                    data = one.recv(BUFFER)
                    self._client.sendto(data, address)
                self.sizes.append(len(data))


def measure() -> dict:
    """Return {"dtls": {way: figures}, "records": {name: bytes by format}}."""
    bytecode = BUILD / "bench" / "secure"
    measure_mpy(bytecode)
    with tempfile.TemporaryDirectory() as temporary, Simulator(at_once=True) as sim:
        folder = Path(temporary)
        made = {
            "server": certificates.make("server", hosts=("127.0.0.1",)),
            "device": certificates.make("device"),
        }
        for name, identity in made.items():
            certificates.write(identity, folder, name)
        sim.secure(folder / "server.cert.pem", folder / "server.key.pem")
        sim.add_device("by token", "TOKEN")
        sim.set_certificate(sim.add_device("by certificate"), made["device"].pem)
        trusted = folder / "server.cert.der"
        own = folder / "device.cert.der", folder / "device.key.der"
        ways = {
            "without": (sim.port,),
            "token": (sim.secure_port, trusted),
            "certificate": (sim.secure_port, trusted, *own),
        }
        shim = compiled(folder)
        dtls = {way: measured(bytecode, shim, *given) for way, given in ways.items()}
    return {"dtls": dtls, "records": records(bytecode)}


def compiled(folder: Path) -> Path | None:
    """Return the library that counts what malloc gives, None without a C compiler."""
    if not shutil.which("gcc"):
        return None
    library = folder / "mallocs.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, MALLOCS], check=True)
    return library


def measured(bytecode: Path, shim: Path | None, port: int, *files: Path) -> dict:
    """Return what opening and one report took; times are medians."""
    turns = [turn(bytecode, shim, port, files) for _ in range(TURNS)]
    return turns[0] | {"handshake_ms": statistics.median(one["handshake_ms"] for one in turns)}


def turn(bytecode, shim, port, files):
    env = environment(bytecode) | ({"LD_PRELOAD": str(shim)} if shim else {})
    with Relay(port) as relay:
        command = [micropython(), "-X", "heapsize=1M", SCRIPT, relay.port, *files]
        process = subprocess.Popen(
            list(map(str, command)),
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = json.loads(process.stdout.readline())
        begun = list(relay.sizes)
        _, errors = process.communicate("\n", timeout=TIMEOUT_S)
        report = relay.sizes[len(begun) :]
    result = {
        "handshake_ms": said["handshake_us"] / 1000,
        "handshake_datagrams": len(begun),
        "handshake_bytes": sum(begun),
        "report_datagrams": len(report),
        "report_bytes": sum(report),
        "heap_bytes": said["heap"],
    }
    if shim:
        result["malloc_bytes"] = int(errors.rpartition("mallocs ")[2])
    return result


def records(bytecode: Path) -> dict:
    """Return {name: {"json": bytes, "protobuf": bytes}} of what the firmware sends."""
    command = [micropython(), str(RECORDS)]
    env = environment(ROOT / "firmware", bytecode)
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def show(result: dict, console: Console) -> None:
    without = result["dtls"]["without"]
    columns = "handshake, ms", "its datagrams", "bytes", "report: datagrams", "bytes"
    table = Table("DTLS by", *columns, "heap, bytes more", "malloc, bytes more")
    for way, one in result["dtls"].items():
        cells = [f"{one['handshake_ms']:.1f}"]
        names = "handshake_datagrams", "handshake_bytes", "report_datagrams", "report_bytes"
        cells += [str(one[name]) for name in names]
        cells.append(str(one["heap_bytes"] - without["heap_bytes"]))
        if "malloc_bytes" in one:
            cells.append(str(one["malloc_bytes"] - without["malloc_bytes"]))
        table.add_row(way, *cells)
    console.print(table)
    if "malloc_bytes" not in without:
        console.print("malloc is not measured: that wants gcc")
    table = Table("bytes of", "JSON", "Protobuf")
    for name, sizes in result["records"].items():
        table.add_row(name, str(sizes["json"]), str(sizes["protobuf"]))
    console.print(table)
