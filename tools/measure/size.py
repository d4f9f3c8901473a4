"""`make size`: what the device code takes of flash and heap, against budgets.

Bytecode is measured as deployed. Heap is measured on the unix port with 64 bits: a board takes
0.55 (objects) to 0.7 (a client, code included) of it, as docs/figures.md tells.
Writes build/size.json: {"mpy": {name: bytes}, "heap": {name: bytes}}.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.bytecode import copy_tree
from tools.tbsim import Simulator
from tools.unixport import BUILD, LIBRARIES, ROOT, environment, micropython, mpy_cross

PORT_SCRIPT = ROOT / "tools" / "measure" / "device" / "heap.py"
TIMEOUT_S = 60

# Bytes. docs/decisions.md says why they are what they are.
MPY_BUDGETS = {
    "coap": 15_700,
    "thingsboard": 19_000,
    "update": 15_500,
    "network": 4200,
    "dtls": 3400,
    "journal": 4750,
    "protobuf": 6600,
}
HEAP_BUDGETS = {"client": 36_000, "round_trip": 3200, "session": 121_000}
# Modules that do not count for the package they stand in; None: for those who want them.
APART = {
    "abupdate.partition_slot": None,  # ESP32 images with two app partitions
    "coap.dns": "network",
    "coap.download": "update",
    "coap.dtls": "dtls",
    "coap.downloading": "update",
    "coap.resolver": "network",
    "coap.supervisor": "network",
    "coap.wire": "dtls",
    "firmware.supervisor": "network",
    "firmware.wifi": "network",
    "thingsboard.assignment": "update",
    "thingsboard.journal": "journal",
    "thingsboard.payload_protobuf": "protobuf",
    "thingsboard.protobuf": "protobuf",
    "thingsboard.segments": "journal",
    "thingsboard.updater": "update",
    "thingsboard.url": None,  # packages at a coap:// address
    "thingsboard.visit": None,  # devices that sleep
}


def budget_of(module: str) -> str | None:
    """Return the name of the budget that a module counts for, None if for none."""
    if module in APART:
        return APART[module]
    package = "firmware.net" if module.startswith("firmware.net.") else module.split(".")[0]
    return {
        "abupdate": "update",
        "coap": "coap",
        "firmware.net": "network",
        "thingsboard": "thingsboard",
        "trial": "update",
    }.get(package)


def measure_mpy(target: Path) -> dict[str, int]:
    """Compile what is deployed below target; return bytes by module, by budget and in all."""
    shutil.rmtree(target, ignore_errors=True)
    sizes: dict[str, int] = {}
    sums = dict.fromkeys(MPY_BUDGETS, 0)
    for library in LIBRARIES:
        for source in sorted(library.rglob("*.py")):
            relative = source.relative_to(library)
            if relative.name == "manifest.py":
                continue
            compiled = target / relative.with_suffix(".mpy")
            mpy_cross(source, compiled)
            module = dotted(relative)
            sizes[module] = compiled.stat().st_size
    copy_tree(ROOT / "firmware", target / "firmware")
    deployed = [path for path in sorted((target / "firmware").rglob("*")) if path.is_file()]
    firmware = {dotted(path.relative_to(target)): path.stat().st_size for path in deployed}
    sizes.update(firmware)
    for module, size in sizes.items():
        if budget := budget_of(module):
            sums[budget] += size
    sums["firmware"] = sum(firmware.values())
    return {**sums, "total": sum(sizes.values()), **sizes}


def dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def measure_heap(libraries: Path) -> dict[str, int]:
    """Run the bytecode against a simulator; return bytes of HEAP_BUDGETS' names."""
    with Simulator() as sim, tempfile.TemporaryDirectory() as folder:
        sim.add_device("measured", "TOKEN")
        command = [micropython(), "-X", "heapsize=4M", str(PORT_SCRIPT)]
        command += [str(sim.port), folder + "/"]
        run = subprocess.run(
            command,
            env=environment(libraries),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    if run.returncode:
        raise SystemExit(f"size: the heap was not measured:\n{run.stdout}{run.stderr}")
    return json.loads(run.stdout)


def show(sizes: dict[str, dict[str, int]]) -> bool:
    """Print the tables; return whether everything is within its budget."""
    console = Console(highlight=False)
    good = True
    for kind, budgets in (("mpy", MPY_BUDGETS), ("heap", HEAP_BUDGETS)):
        table = Table(kind, "bytes", "budget")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, size in sizes[kind].items():
            budget = budgets.get(name)
            over = budget is not None and size > budget
            good = good and not over
            style = "red" if over else "dim" if "." in name else "bold"
            table.add_row(name, str(size), str(budget or ""), style=style)
        console.print(table)
    return good


def main() -> int:
    target = BUILD / "size"
    sizes = {"mpy": measure_mpy(target), "heap": measure_heap(target)}
    (BUILD / "size.json").write_text(json.dumps(sizes, indent=1) + "\n")
    if show(sizes):
        return 0
    print("size: over budget", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
