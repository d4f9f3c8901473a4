"""Where a soak plays: the firmware on a virtual board against the simulator.

The board has sensors and a command of the soak's own; what it says of them goes into the books.
"""

import json
import random
import re
import shutil
import threading
import time
from collections import Counter, deque
from pathlib import Path

from tools import boards, bytecode, certificates
from tools.board import stage
from tools.package import application, keys, releases
from tools.soak.ledger import NO_REASON, POWER_CUT, Ledger
from tools.soak.sensor import Sensor
from tools.tbsim import RPCError, Simulator
from tools.vboard import UNSET, Board, BoardError, Network, World

TOKEN = "SOAK"
NAME = "thingsboard.example"  # of the server
AIR = {"ssid": "soak", "key": "a secret"}
SETTINGS = {
    "server": NAME,
    "wifi_ssid": AIR["ssid"],
    "wifi_password": AIR["key"],
    "access_token": TOKEN,
    "interval": 1,
    "offline": 60,  # half an hour is longer than most soaks
    "journal_records": 1,  # each at once: the books need not know when
}
OWNER = Path(__file__).parent / "owner"
BUS = "_BUS = %d  #"
READ = re.compile(r"^READ (\d+) heap (\d+) lost (\d+)$")
# With its time a record is in the journal, and so are those before it.
KEPT = re.compile(r"^ *\d+ measured \d+ ")
SLEEPS = re.compile(r"asleep (for|from now on)")
RAN = re.compile(r"^RAN (\d+)$")
REPLY_S = 6
SAID = 160  # characters of the last words of a board

UPDATE = "update"
OFFLINE = "no server for long"
ASLEEP = "sleep"
# What restarts a board, besides the power: how its last lines say so.
TOLD = {
    OFFLINE: re.compile(r"restart: the server was silent"),
    ASLEEP: SLEEPS,  # of a board whose sleep ends in a reset
    UPDATE: re.compile(r"restart: a package is assigned"),
}
EXPECTED = {POWER_CUT, UPDATE, OFFLINE, ASLEEP}

# A command of the owner's, which tells the console that it ran.
REGISTERED = """device.on_rpc("reboot", self.reboot)
        device.on_rpc("work", work)
        sensors.outbox = device.outbox
"""
WORK = """

from . import sensors


def work(params):
    print("RAN %d" % params["n"])
    return {"n": params["n"]}
"""


class Scene:
    """`with Scene(folder, seed) as scene:` has a running simulator and a board that is still off.

    settings are added to the board's; heap is the interpreter's, that of the port if None. secure:
    they speak DTLS. board: one of boards/. world: its sleep takes no time, and the simulator has
    the world's clock.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        heap: str | None = None,
        secure: bool = False,
        board: str = "UNIX",
        world: World | None = None,
        **settings,
    ):
        self.folder = folder
        self.random = random.Random(seed)
        self.world = world
        self.sim = Simulator(seed=seed, clock=world.time if world else time.time)
        self.network = Network({NAME: [self.sim.host]}, **AIR)
        self.sensor = Sensor()
        self.ledger = Ledger()
        self.heap: list[int] = []  # KiB free, of each reading
        self.updates: list[str] = []  # versions that were assigned
        self._model = boards.load(board)
        self._settings = settings
        self._heap = heap
        self._secure = secure
        self._began = time.monotonic()
        self._ends = 0  # how many of the board's lives are in the books
        self._why_last = ""  # the life before this one ended
        self._last: deque[str] = deque(maxlen=6)  # lines of this life
        self._writing = threading.Lock()

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.board = Board(
            self.folder / "flash.img",
            self._heap,
            self._line,
            self._model.name,
            network=self.network,
            clock=UNSET if self.world else 0.0,
            world=self.world,
        )
        self._log = (self.folder / "events.log").open("w", buffering=1)
        self.key = keys.create(self.folder / "key.pem")
        self.sim.start()
        self.sensor.__enter__()
        profile = self.sim.add_profile("soak", power_mode="PSM") if self.world else None
        self.device = self.sim.add_device("soak", TOKEN, profile)
        self._prepare()
        return self

    def __exit__(self, *_):
        self.board.stop()
        self.sim.close()
        self.sensor.__exit__()
        self._log.close()

    def _prepare(self):
        root = self.folder / "root"
        stage.stage(root, self._model, public_keys=keys.public_bytes(self.key), extras=())
        settings = SETTINGS | {"port": self.sim.port} | self._settings
        if self._secure:
            settings |= self._certify(root)
        shutil.rmtree(root / "factory")
        left_out = application.needless([self._model.build], application.wanted(settings))
        files = application.collect(sorted(self._sources("1.0").iterdir()), left_out)
        bytecode.write(files, root / "factory")
        (root / "settings.json").write_text(json.dumps(settings))
        self.board.format()
        self.board.deploy(root, compiled=False)

    def _certify(self, root):
        # Make the server's certificate, which is the one that the board trusts.
        server = certificates.make("server", hosts=(NAME,))
        certificates.write(server, self.folder, "server")
        self.sim.secure(self.folder / "server.cert.pem", self.folder / "server.key.pem")
        (root / "server.der").write_bytes(server.der)
        return {"port": self.sim.secure_port, "trusted": "server.der"}

    def _sources(self, version):
        # A folder with a release that has the soak's sensors and command.
        made = releases.copy(self.folder, version)
        sensors, commands = made / "app/sensors.py", made / "app/commands.py"
        shutil.copy(OWNER / "sensors.py", sensors)
        releases.edit(sensors, BUS % 0, BUS % self.sensor.port)
        releases.edit(commands, 'device.on_rpc("reboot", self.reboot)', REGISTERED)
        releases.edit(commands, "", WORK)
        return made

    # What happens

    def log(self, text: str) -> None:
        """Write down what happened, with the second of the soak."""
        with self._writing:
            self._log.write(f"{time.monotonic() - self._began:8.2f} {text}\n")

    def _line(self, text):
        self.book_ends()
        self.log("| " + text)
        self._last.append(text)
        if found := READ.match(text):
            number, heap, lost = map(int, found.groups())
            self.ledger.read(number, lost)
            self.heap.append(heap)
        elif KEPT.match(text) and not self._in_ram() or SLEEPS.search(text):
            self.ledger.kept()
        elif found := RAN.match(text):
            self.ledger.runs[int(found[1])] += 1

    def _in_ram(self):
        # A board that sleeps has no room for a journal in the starts that end no sleep, unless it
        # always has one.
        return self.world and not self._model.journal and self._why_last != ASLEEP

    def book_ends(self) -> None:
        """Enter the lives of the board that have ended."""
        while self._ends < len(self.board.ends):
            end = self.board.ends[self._ends]
            self._ends += 1
            why = self._why_last = self._why(end)
            self.log(f"the board ended: {why}")
            self.ledger.ended(why)
            self._last.clear()

    def _why(self, end):
        # Why a life ended, in the words of EXPECTED or in those of the board.
        if end.cause in ("cut", "stop"):
            return POWER_CUT
        said = " / ".join(self._last)
        if end.cause == "deep-sleep":
            return ASLEEP
        if end.cause == "reset":
            for why, pattern in TOLD.items():
                if pattern.search(said):
                    return why
            if self.states()[-1:] == ["UPDATING"]:
                return UPDATE
        return f"{end.cause} {end.detail}".strip() + f": {said[-SAID:]}"

    # What a person does

    def power_cut(self, off_s: float = 0.3) -> None:
        """Switch off in the middle of things, and on again."""
        self.board.cut_power()
        self.book_ends()
        time.sleep(off_s)
        self.board.start()

    def keep_on(self) -> None:
        """Switch on again after power failed in a flash operation; BoardError if it is stuck."""
        if not self.board.running:
            self.book_ends()
            if self.board.ends[-1].cause != "cut":
                raise BoardError(f"the board is stuck\n{self.board.console()}")
            self.board.start()

    def keep_on_after(self, off_s: float) -> None:
        """Switch on again like keep_on(), after so many seconds of the world."""
        self.book_ends()
        self.world.skip(off_s)
        self.keep_on()

    def live(self, seconds: float) -> None:
        """Let the board live for so long, and switch it on where a fault has switched it off."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keep_on()
            time.sleep(0.1)

    def command(self, two_way: bool = True, **more) -> None:
        """Give the board a command with a number of its own, and note what it replies."""
        number = len(self.ledger.sent)
        self.ledger.sent.append(number)
        try:
            reply = self.sim.rpc(
                self.device, "work", {"n": number, **more}, two_way=two_way, timeout=REPLY_S
            )
        except RPCError as error:
            self.log(f"command {number}: {error}")
            return
        if two_way and "n" in reply:
            self.ledger.replies[number] = reply["n"]

    def update(self) -> None:
        """Assign the next release."""
        version = f"1.{len(self.updates) + 1}"
        made = self._sources(version)
        package = releases.build(
            made,
            self.key,
            version=version,
            sequence=len(self.updates) + 2,
            boards=None if self._model.port == "unix" else [self._model.build],
            extras=application.wanted(self._settings),
        )
        shutil.rmtree(made)
        self.updates.append(version)
        self.sim.assign(self.device, package)

    # What is seen of it

    def states(self) -> list[str]:
        """Return what the server was told about updates, in order."""
        return [value for _, key, value in list(self.device.telemetry) if key == "fw_state"]

    def stored(self) -> list[tuple[int, int]]:
        """Return (time, number) of each record that the server received."""
        return [(ts, value) for ts, key, value in list(self.device.telemetry) if key == "n"]

    def books(self) -> dict:
        """Return what became of records, commands and starts, as fields of a result."""
        records = self.ledger.records(self.stored())
        self.log(f"lost without a reason: {self.ledger.unexplained}")
        return {
            "records": records,
            "commands": self.ledger.commands(),
            "restarts": self.ledger.restarts(),
        }

    def missing(self) -> int:
        """Return how many readings are not stored, with nothing to excuse it."""
        return self.ledger.records(self.stored()).lost[NO_REASON]

    def erases(self) -> Counter:
        """Return how often blocks of the flash were erased: all of them, and the worst one."""
        wear = self.board.flash.wear()
        return Counter(all=sum(wear), worst=max(wear))
