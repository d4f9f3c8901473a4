"""A week of a board that sleeps, in minutes: faults at times that a seed chooses, and the books.

Sleep takes no time (World), so a day takes as long as the board is awake in it. What is planned
for a time of the world happens when the board has slept that long.
"""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.soak.ledger import Commands, Records
from tools.soak.scene import EXPECTED, Scene
from tools.tbsim.model.rpc import RPC
from tools.vboard import BoardError, World

HOUR_S = 3600
DAY_S = 86400
INTERVAL_S = 600
REPORT_EVERY = 6
LISTEN_S = 1
SETTINGS = {"interval": INTERVAL_S, "report_every": REPORT_EVERY, "listen": LISTEN_S}

# What happens in seven days, at times that a seed chooses: methods of Week.
WEEKLY = {
    "outage": 3,
    "loss": 4,
    "wifi gone": 1,
    "cut asleep": 5,
    "cut in flash": 14,
    "cut in a report": 4,
    "command": 21,
    "interval": 7,
    "update": 1,
}
OUTAGE_H = (1, 6)
LOSS_H = (2, 6)
LOSS = (0.1, 0.3)  # of the datagrams, each way
WIFI_H = (1, 3)
INTERVAL_H = 3
OFF_S = (1, 1200)  # of a power cut
FLASH_OPERATIONS = 12  # of a wake that writes one record, about
REPORT_S = 2.5  # of a report, about, in which power may fail
OTHER_INTERVALS_S = (300, 900)
CLOSE_S = 2 * DAY_S  # within which all that waits is to be out, after the last fault
WIRE = ("datagrams up", "bytes up", "datagrams down", "bytes down")
VERSION = "current_fw_version"
STEP_S = 100  # between looks whether it is
POLL_S = 0.02  # of the host
SILENT_S = 180  # of the host, in which a board wakes or is at its end; an update takes longest


@dataclass
class Result:
    """What so many days came to.

    reports: how often the board joined the network. usual: what a report takes, the median of
    datagrams and bytes to the server (up) and to the board (down), without UDP and IP. awake_s:
    seconds of the host, without the interpreter's own start.
    """

    seed: int
    days: float
    records: Records
    commands: Commands
    restarts: Counter
    faults: Counter
    updates: Counter
    erases: Counter
    wakes: int
    reports: int
    usual: Counter
    awake_s: float
    slept_s: float

    def faults_found(self) -> list[str]:
        """Return what must not be, in words; empty if all is well."""
        found = self.records.faults_found()
        if self.commands.unheard:  # they are persistent, without an end
            found.append(f"{self.commands.unheard} commands never arrived")
        if self.commands.twice:
            found.append(f"commands run twice: {self.commands.twice}")
        if self.commands.false:
            found.append(f"commands answered wrongly: {self.commands.false}")
        if self.updates["confirmed"] < self.updates["assigned"]:
            found.append("an update was not confirmed")
        found += [f"restart: {why}" for why in self.restarts if why not in EXPECTED]
        return found


class Week:
    """What happens to the board of a scene that has a world."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.faults: Counter = Counter()
        self.reports = 0
        self._wire: list[Counter] = []  # what went over it in each report
        self._from: tuple | None = None  # the board's address in the last of them
        self._rpcs: dict[int, RPC] = {}
        self._cut_report = False  # in the next one the power fails
        self._wear = scene.board.flash.wear()
        self._lines = 0  # of the console, that were looked at
        scene.sim.subscribe(self._count)

    def live(
        self, days: float, faults: dict[str, int], tell: Callable[[str, float], None]
    ) -> None:
        """Let the time pass, and the faults; then until all that waits is stored.

        BoardError if the board wakes no more.
        """
        world, begin = self.scene.world, self.scene.world.time()
        self._plan(begin, days * DAY_S, faults)
        self.scene.board.start()
        self._until(lambda: world.time() >= begin + days * DAY_S, tell, begin, days)
        tell("quiet: what waits goes out", 1.0)
        self.scene.log("quiet")
        closing = threading.Event()
        deadline = world.time() + CLOSE_S

        def close():
            if world.time() < deadline and (self.scene.missing() or self._waiting()):
                world.plan(world.time() + STEP_S, close)
            else:
                closing.set()
                self.scene.board.cut_power()

        world.plan(world.time() + STEP_S, close)
        self._until(closing.is_set, tell, begin, days)
        self.scene.book_ends()

    def _waiting(self):
        # Whether a command or an update is under way.
        updating = self._confirmed() < len(self.scene.updates)
        return updating or any(not rpc.done for rpc in self._rpcs.values())

    def _confirmed(self):
        # How many of the releases that were assigned the board has confirmed that it runs.
        told = list(self.scene.device.telemetry)
        # The server makes a number of a version that reads as one.
        versions = {str(value) for _, key, value in told if key == VERSION}
        return len(versions & set(self.scene.updates))

    def _until(self, over, tell, begin, days):
        world, scene = self.scene.world, self.scene
        last, moved = None, time.monotonic()
        while not over():
            if not scene.board.running and not over():
                scene.keep_on_after(scene.random.uniform(*OFF_S))
            self._look()
            if last != (last := len(scene.board.ends)):
                moved = time.monotonic()
            elif time.monotonic() - moved > SILENT_S:
                raise BoardError(f"it wakes no more\n{scene.board.console()}")
            passed = (world.time() - begin) / DAY_S
            tell(f"day {passed:.1f}, {self.reports} reports", min(1.0, passed / days))
            time.sleep(POLL_S)

    def _look(self):
        # At what the board says.
        lines = self.scene.board.lines
        while self._lines < len(lines):
            line = lines[self._lines]
            self._lines += 1
            if "wifi: joined" in line:
                self.reports += 1
                if self._cut_report:
                    self._cut_report = False
                    self.scene.log("power fails in a report")
                    time.sleep(self.scene.random.uniform(0, REPORT_S))
                    self.scene.board.cut_power()

    def _count(self, event):
        if event.is_request and event.path[-1:] == ("rpc",):
            self._wire.append(Counter())  # the registration for commands begins a report
            self._from = event.address
        if event.address == self._from:  # to others goes what nobody hears any more
            way = "up" if event.up else "down"
            self._wire[-1].update({f"datagrams {way}": 1, f"bytes {way}": len(event.datagram)})

    # What is planned

    def _plan(self, begin, length_s, faults):
        for name, count in faults.items():
            for _ in range(count):
                at = begin + self.scene.random.uniform(0.05, 0.85) * length_s
                self.scene.world.plan(at, self._entered(name))

    def _entered(self, name):
        def act():
            self.faults[name] += 1
            self.scene.log(f"begin: {name}")
            getattr(self, "_" + name.replace(" ", "_"))()

        return act

    def _later(self, hours, action):
        world = self.scene.world
        world.plan(world.time() + hours * HOUR_S, action)

    def _outage(self):
        self.scene.sim.stop_answering()
        self._later(self.scene.random.uniform(*OUTAGE_H), self.scene.sim.answer_again)

    def _loss(self):
        link = self.scene.sim.link
        link.loss_up = link.loss_down = self.scene.random.uniform(*LOSS)

        def end():
            link.loss_up = link.loss_down = 0.0

        self._later(self.scene.random.uniform(*LOSS_H), end)

    def _wifi_gone(self):
        network = self.scene.network
        network.link = False
        self._later(self.scene.random.uniform(*WIFI_H), lambda: setattr(network, "link", True))

    def _cut_asleep(self):
        self.scene.board.cut_power()

    def _cut_in_flash(self):
        random = self.scene.random
        self.scene.board.fail_at(random.randint(1, FLASH_OPERATIONS), random.random() < 0.5)

    def _cut_in_a_report(self):
        self._cut_report = True

    def _command(self):
        scene = self.scene
        number = len(scene.ledger.sent)
        scene.ledger.sent.append(number)
        self._rpcs[number] = scene.sim.persistent_rpc(scene.device, "work", {"n": number})

    def _interval(self):
        scene = self.scene
        scene.sim.set_shared(scene.device, interval=scene.random.choice(OTHER_INTERVALS_S))
        self._later(INTERVAL_H, lambda: scene.sim.delete_shared(scene.device, "interval"))

    def _update(self):
        self.scene.update()

    # What it came to

    def _erases(self):
        # Since the deployment.
        pairs = zip(self._wear, self.scene.board.flash.wear(), strict=True)
        erased = [now - before for before, now in pairs]
        return Counter(all=sum(erased), worst=max(erased))

    def _median(self, key):
        return statistics.median_low([0, *[wire[key] for wire in self._wire]])

    def result(self, seed: int, days: float) -> Result:
        scene = self.scene
        for number, rpc in self._rpcs.items():
            if rpc.status == "SUCCESSFUL":
                scene.ledger.replies[number] = rpc.response.get("n")
        return Result(
            seed=seed,
            days=days,
            **scene.books(),
            faults=self.faults,
            updates=Counter(assigned=len(scene.updates), confirmed=self._confirmed()),
            erases=self._erases(),
            wakes=scene.board.wakes,
            reports=self.reports,
            usual=Counter({key: self._median(key) for key in WIRE}),
            awake_s=scene.board.awake_s,
            slept_s=scene.board.slept_s,
        )


def week(
    folder: Path,
    seed: int,
    days: float,
    board: str,
    tell: Callable[[str, float], None] = lambda text, done: None,
    faults: dict[str, int] | None = None,
) -> Result:
    """Let a board of boards/ sleep and wake for so many days; BoardError if it wakes no more.

    tell(what goes on, part that is done) is called now and then. faults: how often each of WEEKLY
    happens, that many in seven days if left out.
    """
    if faults is None:
        faults = {name: max(1, round(n * days / 7)) for name, n in WEEKLY.items()}
    with Scene(folder, seed, board=board, world=World(), **SETTINGS) as scene:
        lived = Week(scene)
        lived.live(days, faults, tell)
        return lived.result(seed, days)
