"""One download of the package from a simulator of its own, by our updater or by libcoap's client.

Each runs in a process that does nothing else meanwhile: the CPU time of its children is that of
the client.
"""

import json
import resource
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.measure.bench import scene
from tools.tbsim import Event, Simulator
from tools.vboard import Board

DELAY_MS = 25  # one way
TIMEOUT_S = 120
CONNECT_TIMEOUT_S = 10
# Observe 0. Without it libcoap 4.3.1 forgets a CON request with its ACK, and then what to do with
# the first block (its pull request 1440).
LIBCOAP = ("coap-client-notls", "-O", "6,", "-b", "1024")
LIBCOAP_TIMEOUT_S = 300
LIBCOAP_TRIES = 5


class DownloadError(Exception):
    """A download did not come to its end."""


@dataclass
class Download:
    """What one download took.

    seconds are from the first request for the package that reached the simulator to its last
    answer; installed_s from the same request until the board would start anew. datagrams are
    those that the simulator saw. cpu_s is that of the client's process, its start included.
    """

    seconds: float
    datagrams: int
    cpu_s: float
    failures: int = 0  # clients that gave up before
    installed_s: float = 0
    erases: int = 0  # blocks of flash, from power-on to the end


def ours(
    folder: Path,
    loss: float,
    seed: int,
    pause: bool = False,
    window: int = 3,
    heap: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Download:
    """Update a board. BoardError if that takes too long, DownloadError if memory ran out."""
    how = {"pause": pause, "window": window}
    with _simulator(folder, loss, seed) as sim, _board(folder, sim, heap, **how) as board:
        before, erased = _children_s(), sum(board.flash.wear())
        board.start()
        said = lambda word: [line for line in board.lines if word in line]  # noqa: E731
        board.wait(lambda: said("reset") or said("MemoryError"), timeout_s, "an update")
        end = time.monotonic()
        board.stop()
        if said("MemoryError"):
            raise DownloadError(board.console())
        download = seen(sim, _children_s() - before)
        download.installed_s = end - _traffic(sim)[0].time
        download.erases = sum(board.flash.wear()) - erased
        return download


def without_update(folder: Path, heap: str | None = None) -> float:
    """Start a board for which there is no package; return its CPU seconds. BoardError."""
    with (
        _simulator(folder, 0, 1) as sim,
        _board(folder, sim, heap, pause=False, window=3) as board,
    ):
        sim.unassign(sim.device("board"))
        before = _children_s()
        board.start()
        latest = sim.device("board").latest
        connected = lambda: "current_fw_title" in latest()  # noqa: E731
        board.wait(connected, CONNECT_TIMEOUT_S, "a sign of life")
        board.stop()
        return _children_s() - before


def libcoap(folder: Path, loss: float, seed: int) -> Download:
    """Fetch the package by Block2, again from its start if the client gives up."""
    with _simulator(folder, loss, seed) as sim, tempfile.TemporaryDirectory() as temporary:
        before = _children_s()
        for failures in range(LIBCOAP_TRIES):
            if _libcoap_once(sim, Path(temporary, str(failures))) == _package(sim).data:
                download = seen(sim, _children_s() - before)
                download.failures = failures
                return download
    raise DownloadError(f"libcoap failed {LIBCOAP_TRIES} times: loss {loss}, seed {seed}")


def _libcoap_once(sim, file) -> bytes:
    url = f"coap://127.0.0.1:{sim.port}/fw/{scene.TOKEN}"
    url += f"?title={scene.TITLE}&version={scene.VERSION}"
    command = [*LIBCOAP, "-B", str(LIBCOAP_TIMEOUT_S), "-o", str(file), url]
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=2 * LIBCOAP_TIMEOUT_S)
    return file.read_bytes() if file.exists() else b""


@contextmanager
def _simulator(folder, loss, seed):
    with Simulator(seed=seed) as sim:
        sim.assign(sim.add_device("board", scene.TOKEN), scene.package(folder))
        sim.link.delay_ms = DELAY_MS
        sim.link.loss_up = sim.link.loss_down = loss
        yield sim


@contextmanager
def _board(folder, sim, heap, **how):
    # A copy of the prepared board, switched off; in the end, too.
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "root")
        root.mkdir()
        settings = {"port": sim.port, "token": scene.TOKEN, "board": scene.BOARD, **how}
        (root / "settings.json").write_text(json.dumps(settings))
        board = Board(Path(temporary, "board.img"), heap)
        Board(folder / "board.img").flash.copy(board.flash.image)
        board.deploy(root, compiled=False)
        try:
            yield board
        finally:
            board.stop()


def _package(sim):
    return sim.device("board").packages["fw"]


def _traffic(sim) -> list[Event]:
    # The events of the download: requests for the package, what has their tokens, and empty
    # messages with the ids of those. What follows when libcoap is done and cancels its
    # "observation" is left out.
    events = [event for event in sim.events if event.message]
    asked = [e for e in events if e.up and e.path[:1] == ("fw",)]
    client = asked[-1].address
    over = [e.time for e in asked if e.address == client and e.message.opt.observe == 1]
    tokens = {e.message.token for e in asked}
    ids = {e.message.mid for e in events if e.message.token in tokens}
    mine = [
        e
        for e in events
        if e.message.token in tokens or not e.message.code and e.message.mid in ids
    ]
    return [e for e in mine if not over or e.time < over[0]]


def seen(sim, cpu_s: float) -> Download:
    """Return what the simulator saw of the one download that it served."""
    traffic = _traffic(sim)
    last = max(event.time for event in traffic if not event.up and event.message.payload)
    return Download(last - traffic[0].time, len(traffic), cpu_s)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def missing() -> str:
    """Return the name of libcoap's client if it is not installed."""
    return "" if shutil.which(LIBCOAP[0]) else LIBCOAP[0]
