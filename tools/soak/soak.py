"""The soak itself: calm and faults in turn, commands all the while; then quiet, and the books."""

import contextlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

from tools.soak.faults import FAULTS
from tools.soak.ledger import Commands, Records
from tools.soak.scene import EXPECTED, Scene

START_S = 30
CALM_S = (1, 6)
FAULT_S = (2, 15)
TWO_AT_ONCE = 0.3
COMMAND_S = (0.3, 2)
IDLE_S = 3600  # between measurements, once the books are to be closed
QUIET_S = 3  # for so long nothing was measured, and nothing is missing
DRAIN_S = 150  # after the last fault: back-off of a minute, and a queue of some minutes


@dataclass
class Result:
    """What a soak came to. heap: KiB free, the median of some readings at start and at end."""

    seed: int
    minutes: float
    records: Records
    commands: Commands
    restarts: Counter
    faults: Counter
    updates: Counter
    erases: Counter
    heap: tuple[int, int]

    def faults_found(self) -> list[str]:
        """Return what must not be, in words; empty if all is well."""
        found = self.records.faults_found()
        if self.commands.twice:
            found.append(f"commands run twice: {self.commands.twice}")
        if self.commands.false:
            found.append(f"commands answered wrongly: {self.commands.false}")
        if not self.commands.answered:
            found.append("no command was answered at all")
        found += [f"restart: {why}" for why in self.restarts if why not in EXPECTED]
        return found


def soak(scene: Scene, seed: int, minutes: float, tell=lambda text, done: None) -> Result:
    """Run a soak; tell(what goes on, part that is done) is called now and then."""
    began, faults = time.monotonic(), Counter()
    scene.board.start()
    scene.board.wait(scene.stored, START_S, "a first record")
    commanding = Commanding(scene, seed)
    while (left := 60 * minutes - (time.monotonic() - began)) > 0:
        done = 1 - left / (60 * minutes)
        tell("calm", done)
        scene.live(scene.random.uniform(*CALM_S))
        names = [scene.random.choice(list(FAULTS))]
        if scene.random.random() < TWO_AT_ONCE:
            names.append(scene.random.choice([name for name in FAULTS if name not in names]))
        faults.update(names)
        tell(" and ".join(names), done)
        scene.log("begin: " + ", ".join(names))
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(FAULTS[name](scene))
            scene.live(min(scene.random.uniform(*FAULT_S), max(left, FAULT_S[0])))
        scene.log("end: " + ", ".join(names))
    tell("quiet: what waits goes out", 1.0)
    settle(scene)
    commanding.stop()
    return result(scene, seed, minutes, faults)


def settle(scene: Scene, patience_s: float = DRAIN_S) -> None:
    """Have the board measure no more, and wait until all that waits on it is stored."""
    scene.log("quiet")
    scene.sim.set_shared(scene.device, interval=IDLE_S)
    end, quiet = time.monotonic() + patience_s, 0
    while quiet < QUIET_S and time.monotonic() < end:
        count = len(scene.heap)
        scene.live(1)
        quiet = 0 if scene.missing() or len(scene.heap) > count else quiet + 1


def result(scene: Scene, seed: int, minutes: float, faults: Counter) -> Result:
    scene.book_ends()
    states = Counter(scene.states())
    return Result(
        seed=seed,
        minutes=minutes,
        **scene.books(),
        faults=faults,
        updates=Counter(assigned=len(scene.updates), confirmed=states["UPDATED"]),
        erases=scene.erases(),
        heap=(median(scene.heap[:10]), median(scene.heap[-10:])),
    )


def median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


class Commanding:
    """Commands to the board, one after the other, until stopped."""

    def __init__(self, scene: Scene, seed: int):
        self._scene = scene
        self._random = random.Random(seed)  # of its own: the scene's is the other thread's
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self):
        while not self._stopped.wait(self._random.uniform(*COMMAND_S)):
            self._scene.command()
