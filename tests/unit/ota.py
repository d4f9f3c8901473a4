"""For the tests of the updater: a server of packages that answers as told, and a board's life."""

import asyncio
import errno
import hashlib
import json
import os
import sys
from binascii import hexlify

from abupdate.app_slot import AppSlot
from chance import Chance
from coap import ResetError, ResponseError
from coap.message import Message, option_uint
from fakes import Loop, turns
from thingsboard.device import Device
from thingsboard.updater import Updater
from trial import Trial
from updates import KEY, empty_root, names, package, read

BLOCK = 1024
BLOCK2 = 23
SIZE2 = 28
PATH = 11
QUERY = 15
BOARD = "VBOARD"


def content(n, seed):
    """Bytes of which no two blocks are alike."""
    return bytes([(i * seed + i // 251) & 255 for i in range(n)])


FILES = {
    "1.1": [("a.mpy", content(1800, 3)), ("none", b""), ("lib/b.mpy", content(4352, 7))],
    "1.2": [("a.mpy", content(1700, 5)), ("lib/b.mpy", content(5000, 9)), ("c", b"c")],
    "1.3": [("a.mpy", content(2500, 11))],
}
PACKAGES = {v: package(FILES[v], version=v, sequence=int(v[2])) for v in FILES}

# What may be wrong with an answer: a response code, or one of the others.
FAULTS = ("short", "long", "empty", "another block", "another version", "5.00", "4.04", "4.00")
FAULTS += ("silence", "reset", "wrong number", "memory")

_tick = asyncio.sleep_ms  # the real ones
_wait = asyncio.wait_for_ms


class Server:
    """The server as a coap.Client shows it: telemetry is taken, blocks come in any order.

    fault(version, num) says what is wrong with an answer, None: nothing. `then` maps a number
    of requests for blocks to what happens just before that one is answered.
    """

    class Endpoint:
        retransmissions = heard = 0

    class Exchange:
        def __init__(self, receiver):
            self.receiver = receiver

    window_limit = 3

    def __init__(self, loop):
        self.loop = loop  # where the lives of the board run
        self.endpoint = self.Endpoint()
        self.chance = Chance(1)
        self.packages = dict(PACKAGES)
        self.fault = lambda version, num: None
        self.deaf = lambda: None  # the same of an answer to telemetry
        self.then = {}
        self.told = []  # telemetry
        self.asked = []  # (version, number of a block)
        self.sizes = []  # of the blocks asked for
        self.transfer = None  # the version whose transfer is known: block 0 was asked for
        self.exchanges = self.endpoint.exchanges = []  # under way
        self.most = 0
        self.poisoned = False  # bytes that belong elsewhere were sent in the place of others

    @property
    def under_way(self):
        return len(self.exchanges)

    async def request(self, code, path, payload=b"", **how):
        await _tick(0)
        outcome = self.outcome("", 0, self.deaf())
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.code >> 5 != 2:
            raise ResponseError(outcome)
        self.told.append(json.loads(payload))
        return Message(0x41)

    def version(self, path, query):
        """Return the version of the package that a request names."""
        assert path == ["sw", "TOK"]
        return dict([item.split("=") for item in query])["version"]

    def start(self, message, timeout_ms, receiver, observe=None, bulk=False):
        exchange = self.Exchange(receiver)
        self.exchanges.append(exchange)
        self.most = max(self.most, self.under_way)
        path = [value.decode() for number, value in message.options if number == PATH]
        query = [value.decode() for number, value in message.options if number == QUERY]
        version = self.version(path, query)
        block = message.uint(BLOCK2)
        self.asked.append((version, block >> 4))
        self.sizes.append(16 << (block & 7))
        self.loop.start(self.answer(exchange, len(self.asked), version, block >> 4, block & 7))
        return exchange

    def cancel(self, exchange):
        if exchange in self.exchanges:
            self.exchanges.remove(exchange)

    async def answer(self, exchange, n, version, num, szx):
        for _ in range(1 + self.chance.below(6)):
            await _tick(0)
        if exchange in self.exchanges:
            if n in self.then:
                self.then[n]()
            outcome = self.outcome(version, num, self.fault(version, num), szx)
            # What happened may have ended the download.
            if exchange in self.exchanges:
                self.exchanges.remove(exchange)
                exchange.receiver.receive(exchange, outcome)

    def outcome(self, version, num, fault, szx=6):
        if fault == "silence":
            return OSError(errno.ETIMEDOUT)
        if fault == "memory":
            return MemoryError()
        if version and version not in self.packages:
            fault = "4.00"
        if fault and "." in fault:
            return Message(int(fault[0]) << 5 | int(fault[2:]))
        if not version:
            return ResetError(errno.ECONNRESET) if fault == "reset" else Message(0x45)
        if not num:
            self.transfer = version
        if fault == "reset" or self.transfer != version:
            self.transfer = None
            return ResetError(errno.ECONNRESET)
        size = 16 << szx
        total = len(self.packages[version])
        more = (num + 1) * size < total
        if not more:
            self.transfer = None
        options = [(BLOCK2, option_uint(num + (fault == "wrong number") << 4 | more << 3 | szx))]
        if not num:
            options.append((SIZE2, option_uint(total)))
        if fault == "another version":
            version = "1.2" if version == "1.1" else "1.1"
            self.poisoned = True
        elif fault == "another block":
            num += 1
            self.poisoned = True
        data = self.packages[version][num * size : (num + 1) * size]
        if fault == "short":
            data = data[: self.chance.below(len(data) or 1)]
        elif fault == "long":
            data += b"more"
        elif fault == "empty":
            data = b""
        return Message(0x45, data, options)

    def values(self, key):
        return [values[key] for values in self.told if key in values]


def assignment(version, changes=()):
    """The shared attributes that assign a package; a change to None takes one away."""
    data = PACKAGES[version]
    values = {"title": "thermo", "version": version, "size": len(data)}
    values["checksum"] = hexlify(hashlib.sha256(data).digest()).decode()
    values["checksum_algorithm"] = "SHA256"
    values.update(changes)
    return {"sw_" + name: values[name] for name in values if values[name] is not None}


class Life:
    """One start of a board, from power on until it resets or loses its power."""

    def __init__(self, server, root, **how):
        self.server = server
        self.root = root
        self.trial = Trial(how.pop("os", os), root)
        self.folder = self.trial.start()[len(root) :]
        self.slot = AppSlot(self.trial, BOARD)
        self.log = []
        self.device = Device(server, "TOK", self.log.append, outbox=self)
        self.reset = False
        slots = how.pop("slots", None) or {"sw": self.slot}
        self.updater = Updater(self.device, slots, KEY, self.end, **how)
        self.task = None

    def add(self, values, ts):
        # In the place of an outbox.
        self.server.told.append(json.loads(values))

    def end(self):
        # A board's reset does not return.
        self.reset = True
        raise asyncio.CancelledError

    def assign(self, version, changes=()):
        self.hear(assignment(version, changes))

    def hear(self, attributes):
        self.device.attributes.take(json.dumps(attributes).encode(), True)

    def until(self, condition=lambda: False, ticks=3000):
        """Let it run until a condition holds or it resets; False if that takes too long."""
        return self.server.loop.run(self._until(condition, ticks))

    async def _until(self, condition, ticks):
        self.task = self.task or self.server.loop.start(self.updater.run())
        for _ in range(ticks):
            if self.reset or condition():
                return True
            assert not self.task.done(), "run() ended"
            await _tick(0)
        return False

    def off(self):
        """Take its power away; what it had asked for is not answered any more."""
        loop = self.server.loop
        if self.task:
            loop.cancel(self.task)
        loop.run(turns(3))
        assert not self.server.under_way

    def runs(self):
        """The version of what this start runs, "" for the factory's; wrong bytes fail."""
        if self.folder == "factory":
            return ""
        title, version = self.slot.current()
        expected = sorted([(self.folder + "/" + n, data) for n, data in FILES[version]])
        found = [n for n in names(self.root, self.folder) if not n.endswith("/PACKAGE")]
        assert [(n, read(self.root, n)) for n in found] == expected
        return version


class Hurry:
    """`with Hurry() as slept:` the delays of the updater take no time; slept has them."""

    def __enter__(self):
        slept = []

        async def sleep_ms(ms):
            slept.append(ms)
            await _tick(0)

        async def wait_for_ms(waiting, ms):
            waiting.close()
            await sleep_ms(ms)
            raise asyncio.TimeoutError

        asyncio.sleep_ms = sleep_ms
        asyncio.wait_for_ms = wait_for_ms
        return slept

    def __exit__(self, *_):
        asyncio.sleep_ms = _tick
        asyncio.wait_for_ms = _wait


class Root:
    """`with Root() as root:` the path of an empty file system."""

    def __enter__(self):
        self.path = empty_root()
        return self.path

    def __exit__(self, *_):
        if sys.implementation.name == "cpython":
            import shutil

            shutil.rmtree(self.path)


def scene(test):
    """Decorate test(slept, server, root, ...): it gets an empty board; what follows is its row.

    slept has the delays of the updater in milliseconds; they take no time.
    """

    def run(*row):
        with Hurry() as slept, Root() as root, Loop() as loop:
            test(slept, Server(loop), root, *row)

    return run
