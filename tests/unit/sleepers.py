"""For the tests of a device that sleeps: a board that lives from start to start."""

import asyncio
import json
import sys

from coap.message import Message
from fakes import turns
from flashfs import FlashFS
from hardware import Hardware, Module, Reset
from thingsboard.assignment import NAMES
from thingsboard.journal import Segments
from world import NOW_S, Client, World, failing, silence

journal = sys.modules["thingsboard.journal"]


class Trial:
    """Nothing is on trial, until the test says so."""

    on_trial = firmware = False
    full = False

    def __init__(self):
        self.told = []

    @property
    def state(self):
        return {"firmware": {"on_trial": self.firmware}}  # another dict after each change

    def unconfirmed(self):
        return self.on_trial or self.firmware

    def unreached(self):
        self.told.append("unreached")
        if self.full:
            raise OSError(28)


class Updater:
    """Says whether it is busy, and whether it runs."""

    runs = False

    def __init__(self, busy):
        self.busy = busy
        self.downloaded = 0

    async def run(self):
        self.runs = True
        await asyncio.Event().wait()


class Server(Client):
    """Answers registrations as they come; told has all values of telemetry that it took."""

    def __init__(self, board):
        super().__init__(board.world)
        self.board = board
        faults = failing(board.failing, [board.failure] * 999)
        self.answers = lambda asked: silence() if board.silent else faults(asked)
        self.answered = 0

    def close(self):
        pass

    def sent(self):
        """Return all that was sent as JSON at this start."""
        return [json.loads(payload) for payload in self.payloads if payload]

    async def get(self, path, timeout_ms):
        if self.board.delay_ms:
            await asyncio.sleep_ms(self.board.delay_ms)
        await super().get(path, timeout_ms)
        seconds = NOW_S + (self.board.passed_ms + self.world.now) // 1000
        return Message(0x45, seconds.to_bytes(4, "big"))

    def serve(self):
        for observation in self.observations:
            if observation.registered and not observation.served and not self.board.silent:
                observation.served = True
                name = observation.path[-1]
                payload = json.dumps(self.board.shared) if name == "attributes" else ""
                observation.notify(0, payload.encode())

    async def request(self, code, path, payload=b"", **how):
        answer = await super().request(code, path, payload, **how)
        if path[-1] == "telemetry":
            self.board.told += json.loads(payload)
        return answer if code == 2 else Message(0x45, b"{}")


class Board:
    """`with Board() as board:` a device that sleeps; each start() is one of its lives.

    failing: of which requests the server answers with `failure`; silent: it answers none at all.
    shared: the shared attributes on it.
    """

    def __init__(self, report_every=3, interval=600, wifi=False, journal=16):
        self.config = {
            "access_token": "TOK",
            "interval": interval,
            "journal": 16,
            "journal_records": 10,
            "journal_seconds": 10,
            "keepalive": 25,
            "keys": b"",
            "led": None,
            "listen": 2,
            "payload": "json",
            "port": 5683,
            "provision_key": None,
            "refused": 86400,
            "report_every": report_every,
            "server": "h",
            "trusted": None,
            "watchdog": 8,
        }
        self.fs = FlashFS()
        self.readings = 0  # of all starts
        self.passed_ms = 0  # before this start
        self.kept = None  # what went on through the last sleep
        self.trial = Trial()
        self.shared = {}
        self.told = []
        self.failing = None
        self.failure = None
        self.silent = False
        self.delay_ms = 0  # of the server's time
        self.faults = 0  # that a start has had
        self.reading = ""
        self.during = []  # (when, what is done then)
        self.updater_busy = False
        self.downloads = 0  # ms of a start in which bytes of an update come
        self.talks = False  # whether the server says something all the time
        self.joins = True  # whether the Wi-Fi can be joined
        self.hardware = Hardware(
            modules={"deep_sleep": Module(sleep=self._sleep)},
            wifi_interface=0 if wifi else None,
            journal=journal,
        )

    def __enter__(self):
        journal.Segments = lambda folder, *_: Segments(folder, self.fs, self.fs.open)
        self.hardware.__enter__()
        return self

    def __exit__(self, *_):
        self.hardware.__exit__()
        journal.Segments = Segments

    def start(self, limit_ms=600_000, message_id=7):
        """Live until the board sleeps; return for how many ms it will, None: it does not sleep."""
        self.slept = self.client = self.error = None
        self.message_id = message_id  # of the first message, unless the board has another
        self.reset = False  # whether the board was restarted at once
        self.lines = []
        with World(turns=8) as self.world:
            module = self.hardware.load("app")
            module.coap = Module(connect=self._connect)
            self.readings += 1
            sensors = Module(read=lambda: {"n": self.readings, "x": self.reading})
            sys.modules["app.measuring"].sensors = sensors
            self.updater = Updater(self.updater_busy)
            module.updates = Module(updater=self._updater)
            restarts = self.hardware.load("restarts").Restarts(False, False, self.kept)
            clock = module.Clock
            module.Clock = lambda: clock(self.world)
            self.application = module.Application(
                self.config, self.lines.append, self.trial, restarts
            )
            self.kept = None
            self.world.loop.start(self._live())
            while self.world.now < limit_ms and self.slept is None and not self.reset:
                self.world.pass_ms(100)
                if self.during and self.world.now >= self.during[0][0]:
                    self.during.pop(0)[1]()
                if self.client:
                    self.client.serve()
                    self.client.endpoint.heard += self.talks
                self.updater.downloaded += self.world.now < self.downloads
            self.passed_ms += self.world.now + (self.slept or 0)
            if self.application.working:
                self.application.working.cancel()
            self.world.loop.run(turns(50))  # what was under way ends, as on a board
        if self.error:
            raise self.error
        return self.slept

    def _sleep(self, ms, kept, watchdog_s):
        self.kept = kept
        self.slept = ms
        raise Reset

    async def _live(self):
        try:
            self.application.begin()
            if self.joins:
                self.application.joined()
            await self.application.run()
        except Reset:
            self.reset = self.slept is None
        except Exception as error:
            self.error = error

    async def _fail(self):
        while self.faults and not self.application.device:
            await asyncio.sleep_ms(10)
        if self.faults:
            self.application.device.session.faults = self.faults

    def _updater(self, device, *_):
        names = [prefix + name for prefix in ("fw", "sw") for name in NAMES]
        device.on_attributes(lambda changed, deleted: None, names)
        return self.updater

    async def _connect(self, host, port, window_limit, security):
        self.client = Server(self)
        self.world.loop.start(self._fail())
        self.client.endpoint.message_id = self.message_id
        return self.client
