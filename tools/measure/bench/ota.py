"""An update over a slow and lossy link: ours on a virtual board, beside libcoap's client.

Each cell is the sum over the same seeds; a ratio is libcoap's time by ours. Ours is measured in
the windows of our boards, and as on a Pico W, which lets nothing be on its way while it writes.
"""

import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from tools.measure.bench import download, heap, scene
from tools.unixport import BUILD

FOLDER = BUILD / "bench" / "ota"
SEEDS = 21
LOSSES = (0, 1, 5)  # percent lost each way
# How ours downloads: the options of download.ours(), and the ratio wanted at each loss. The first
# stands at the top of the result, the others by their names.
WAYS = {
    "window3": ({"window": 3}, (2.9, 6, 14)),  # as RP2 has it, but for its pauses
    "window5": ({"window": 5}, (4.7, 9, 18)),  # as an ESP32 has it
    "paused": ({"window": 3, "pause": True}, (2.8, 5.5, 12)),  # as a Pico W has it
}
# Downloads at a time, so that two processors are idle for most of it.
LIBCOAP_WORKERS = 12
OUR_WORKERS = 4


def measure(seeds: int = SEEDS) -> dict:
    """Return the part "ota" of build/bench.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    scene.prepare(FOLDER)
    if missing := download.missing():
        print(f"bench: {missing} is missing (Debian: libcoap3-bin); only ours is measured")
    print(f"bench: {3 * seeds} downloads by libcoap, {9 * seeds} by us, then a look for the heap")
    # The longest first.
    cells = [(loss, seed) for loss in sorted(LOSSES, reverse=True) for seed in range(1, seeds + 1)]
    with _pool(LIBCOAP_WORKERS) as pool:
        futures = {cell: pool.submit(_libcoap, *cell) for cell in cells if not missing}
        theirs = {cell: future.result() for cell, future in futures.items()}
    with _pool(OUR_WORKERS) as pool:
        futures = {
            (way, *cell): pool.submit(_ours, *cell, options)
            for way, (options, _) in WAYS.items()
            for cell in cells
        }
        start_s = pool.submit(download.without_update, FOLDER).result()
        ours = {key: future.result() for key, future in futures.items()}
        memory = heap.measure(pool, FOLDER)
    rtt = 2 * download.DELAY_MS
    result = {"rtt_ms": rtt, "package_bytes": scene.PACKAGE_BYTES, "seeds": seeds}
    for way in WAYS:
        cells_of = result if way == "window3" else result.setdefault(way, {})
        for loss in LOSSES:
            mine = [ours[way, loss, seed] for seed in range(1, seeds + 1)]
            peers = [run for (its, _), run in theirs.items() if its == loss]
            cells_of[f"rtt{rtt}_loss{loss}"] = _cell(mine, peers)
    clean = [ours["window3", 0, seed] for seed in range(1, seeds + 1)]
    result["erases_per_kib"] = _mean(clean, "erases") * 1024 / scene.PACKAGE_BYTES
    mib = scene.PACKAGE_BYTES / (1 << 20)
    result["cpu_s_per_mib"] = {"ours": (_mean(clean, "cpu_s") - start_s) / mib}
    if not missing:
        peers = [run for (loss, _), run in theirs.items() if not loss]
        result["cpu_s_per_mib"]["libcoap"] = _mean(peers, "cpu_s") / mib
    result["heap"] = memory
    return _rounded(result)


def _cell(ours, theirs) -> dict:
    cell = {}
    for name, runs in (("ours", ours), ("libcoap", theirs)):
        if runs:
            cell[f"{name}_s"] = sum(run.seconds for run in runs)
            blocks = scene.PACKAGE_BYTES / scene.BLOCK
            cell[f"{name}_datagrams_per_block"] = _mean(runs, "datagrams") / blocks
    cell["ours_installed_s"] = sum(run.installed_s for run in ours)
    if theirs:
        cell["ratio"] = cell["libcoap_s"] / cell["ours_s"]
        cell["libcoap_failures"] = sum(run.failures for run in theirs)
    return cell


def show(result: dict, console: Console) -> None:
    rtt, seeds = result["rtt_ms"], result["seeds"]
    columns = ("", "lost each way", "ours", "libcoap", "ratio", "aim")
    table = Table(*columns, title=f"update of 128 KiB, RTT {rtt} ms: mean seconds of {seeds}")
    for way, (_, aims) in WAYS.items():
        for loss, aim in zip(LOSSES, aims, strict=True):
            cell = result.get(way, result)[f"rtt{rtt}_loss{loss}"]
            mean = {name: f"{cell[name] / seeds:.2f}" for name in cell if name.endswith("_s")}
            ratio = cell.get("ratio", 0)
            row = [mean["ours_s"], mean.get("libcoap_s", "-"), f"{ratio:.2f}", str(aim)]
            table.add_row(way, f"{loss} %", *row, style=None if ratio >= aim else "red")
    console.print(table)
    console.print("paused: as on a Pico W, nothing is on its way while flash is written")
    clean = result[f"rtt{rtt}_loss0"]
    cpu = (f"{name} {value} s" for name, value in result["cpu_s_per_mib"].items())
    memory = result["heap"]
    console.print(f"datagrams per block without loss: {clean['ours_datagrams_per_block']}")
    console.print(f"erases of flash per KiB: {result['erases_per_kib']}")
    console.print(f"client CPU per MiB: {', '.join(cpu)}")
    console.print(
        f"smallest heap: {memory['with_update']} bytes; {memory['without_update']} for a board",
        "that takes no update",
    )


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked: the CPU time of a worker's children is that of one client at a time.
    return ProcessPoolExecutor(workers, get_context("spawn"))


def _ours(percent: int, seed: int, options: dict) -> download.Download:
    return download.ours(FOLDER, percent / 100, seed, **options)


def _libcoap(percent: int, seed: int) -> download.Download:
    return download.libcoap(FOLDER, percent / 100, seed)


def _mean(runs, name: str) -> float:
    return statistics.mean(getattr(run, name) for run in runs)


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 3) if isinstance(value, float) else value
