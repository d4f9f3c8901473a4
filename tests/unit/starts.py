"""For the tests of start.py: one start of the board, or a whole one, on fake hardware."""

import sys

from fakes import raised
from hardware import Hardware, Machine, Module, Reset, read, write
from world import World


class Application:
    """The application; fails: {method: the exception it raises}."""

    def __init__(self, *_):
        self.heard = 0
        self.fails = {}
        self.events = []

    def contacts(self):
        self.did("contacts")
        return self.heard

    def begin(self):
        self.did("begin")

    def suspend(self):
        self.did("suspend")

    async def run(self):
        self.did("run")

    def did(self, what):
        if what != "contacts":
            self.events.append(what)
        if what in self.fails:
            raise self.fails[what]


def package(version, id=0):
    """Return a package as in the record of a Trial; without a version it came by cable."""
    return {"id": id, "title": "thermo" if version else "", "version": version}


FACTORY = {"run": package(""), "back": package(""), "aside": False, "failed": 0, "reason": ""}


class Trial:
    """A trial.Trial that keeps what it was told."""

    is_unconfirmed = False
    fails = None
    becomes = {}  # fields of the application's record that start() changes

    def __init__(self, os=None):
        self.told = []
        self.state = {"app": dict(FACTORY)}

    def start(self, suspect, power_on):
        self.told.append(("start", suspect, power_on))
        self.state["app"].update(self.becomes)
        return "/nowhere"

    def unconfirmed(self):
        return self.is_unconfirmed

    def unreached(self):
        self.told.append("unreached")
        if self.fails:
            raise self.fails

    def crashed(self, text):
        self.told.append(text)
        if self.fails:
            raise self.fails

    def interrupted(self):
        self.told.append("interrupted")


class Scene:
    """`with Scene() as scene:` a Start whose application is at work; time passes by seconds()."""

    def __init__(self, lonely=0, **settings):
        self.config = {"watchdog": 8, "offline": 0, "trial": 0, "report_every": 0}
        self.config.update(settings)
        self.lonely = lonely
        self.application = Application()
        self.cycles = []
        self.board = Hardware(modules={"app": Module(Application=lambda *_: self.application)})
        self.world = World(turns=3)

    def __enter__(self):
        self.board.__enter__()
        self.module = module = self.board.load("start")
        self.lines = quiet(module)
        self.slept = []
        module.time = Module(
            sleep=self.slept.append,
            ticks_ms=self.world.ticks_ms,
            ticks_diff=self.world.ticks_diff,
        )
        self.restarts = module.Restarts(False, False)
        self.restarts.lonely = self.lonely
        self.trial = Trial()
        self.start = module.Start(self.config, self.restarts, self.trial)
        self.world.__enter__()  # last: what fails before leaves asyncio as it is
        return self

    def __exit__(self, *_):
        self.world.__exit__()
        self.board.__exit__()

    def watch(self, watchdog=None):
        """Watch the application at work; the coroutine ends with the reset."""
        self.start.application = self.application
        self.start.station = Module(power_cycle=lambda: self.cycles.append(self.world.now))

        async def until_reset():
            try:
                await self.start.watch(watchdog)
            except Reset:
                self.restarted_s = self.world.now // 1000

        return self.world.loop.start(until_reset())

    def seconds(self, count, talking=False):
        for _ in range(count):
            self.world.pass_ms(1000)
            self.application.heard += talking

    def notes(self):
        """Return (reason, lonely) as the next start finds them."""
        restarts = self.module.Restarts(False, False)
        return restarts.reason, restarts.lonely


def quiet(module):
    """Let a module print into the list that is returned."""
    lines = []
    module.print = lambda *words: lines.append(" ".join([str(word) for word in words]))
    return lines


class Boot:
    """A whole start by start.run(), from these files; of the application `error` is raised."""

    def __init__(self, files, error=None, cause=Machine.PWRON_RESET, crashes=0, trial=None):
        self.trial = trial or Trial()
        self.slept = []
        application = Application()
        if error:
            application.fails["run"] = error
        modules = {
            "app": Module(Application=lambda *_: application),
            "trial": Module(Trial=lambda os: self.trial),
        }
        paths = list(sys.path)
        with World(), Hardware(modules=modules) as board:
            board.machine.cause = cause
            for name in files:
                write(name, files[name])
            if crashes:
                board.load("restarts").Restarts(False, False).note("OSError", crashes)
            start = board.load("start")
            self.lines = quiet(start)
            start.gc = Module(threshold=lambda n: None)
            start.time = Module(sleep=self.slept.append, ticks_ms=lambda: 0)
            start.time.ticks_diff = lambda a, b: a - b
            self.reset = raised(Reset, start.run) is not None
            self.path = sys.path[0]
            self.hold = read("hold")
            self.settings_stay = "settings" in sys.modules
            self.ran = application.events == ["begin", "run"]
        sys.path[:] = paths
