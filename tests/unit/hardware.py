"""For the tests of the firmware: a board without hardware, and modules that run on it.

    with Hardware() as board:
        hold = board.load("hold")
        hold.stopped()
        assert Timer.running

What a module of the firmware imports is that board's, and the current folder is its flash.
"""

import os
import sys

import board
from updates import empty_root

ENOSPC = 28  # errno has no name for it on MicroPython
UNIX = {
    "build": getattr(sys.implementation, "_build", "unix"),
    "led": "LED",
    "watchdog_max_s": 8,
    "download_window": 3,
    "flash_stops_processor": False,
    "journal": 16,
}
FIRMWARE = ("app", "boot", "deep_sleep", "guard", "hold", "restarts", "settings", "start", "wifi")


class Reset(Exception):
    """machine.reset() was called: on a board nothing comes after it."""


class Module:
    """A module of these members."""

    def __init__(self, **members):
        for name in members:
            setattr(self, name, members[name])


class Timer:
    """A machine.Timer; the test calls its callback."""

    PERIODIC = 1
    running = []

    def __init__(self, id, mode, period, callback):
        assert mode == self.PERIODIC and period == 1000
        self.callback = callback
        self.running.append(self)

    def deinit(self):
        self.running.remove(self)


class Machine:
    """The module machine. watchdog_max_ms: what its watchdog takes at most."""

    PWRON_RESET = 1
    WDT_RESET = 3
    SOFT_RESET = 5
    Timer = Timer

    def __init__(self, watchdog_max_ms=8388):
        Timer.running = []
        self.watchdog_max_ms = watchdog_max_ms
        self.cause = self.PWRON_RESET
        self.timeout_ms = None  # of the watchdog, None before it is armed
        self.fed = 0  # how often it was
        self.resets = 0

    def reset(self):
        self.resets += 1
        raise Reset

    def reset_cause(self):
        return self.cause

    def unique_id(self):
        return b"\x01\x02\x03\xab\xcd\xef"

    def WDT(self, timeout):
        if timeout > self.watchdog_max_ms:
            raise ValueError("WDT timeout too long")
        self.timeout_ms = timeout
        return self

    def feed(self):
        self.fed += 1


_root = None


def flash():
    """Return the folder that is the flash of one board after the other."""
    global _root
    _root = _root or empty_root()
    return _root


class Hardware:
    """A board: facts are those of board.Board; modules are others than machine that the firmware
    may import. Its flash is empty, and modules of the firmware last as long as this.
    """

    def __init__(self, machine=None, modules=None, **facts):
        self.machine = machine or Machine()
        self.facts = board.Board(dict(UNIX))
        for name in facts:
            assert hasattr(self.facts, name)
            setattr(self.facts, name, facts[name])
        self.modules = {"machine": self.machine, "board": Module(board=self.facts)}
        self.modules.update(modules or {})
        self.full = False  # whether the flash takes nothing more
        self.writes = 0  # files that were opened to be written

    def __enter__(self):
        self._folder = os.getcwd()
        os.chdir(flash())
        self._hidden = {name: sys.modules.get(name) for name in self.modules}
        sys.modules.update(self.modules)
        return self

    def __exit__(self, *_):
        for name in self._hidden:
            del sys.modules[name]
        for name in list(sys.modules):
            if name in FIRMWARE or name.startswith("app."):
                del sys.modules[name]
        for name in self._hidden:
            if self._hidden[name]:
                sys.modules[name] = self._hidden[name]
        os.chdir(self._folder)
        for name in os.listdir(flash()):
            os.remove(flash() + name)

    def load(self, name):
        """Return a module of the firmware as a start of the board does: imported anew."""
        sys.modules.pop(name, None)
        if name.startswith("app."):  # without all that app/__init__.py loads
            folder = board.__file__.rpartition("/")[0] + "/app"
            path = folder if sys.implementation.name == "micropython" else [folder]
            sys.modules["app"] = Module(__name__="app", __path__=path, __spec__=None)
        __import__(name)
        for loaded in (name,) + FIRMWARE:
            if sys.modules.get(loaded):
                sys.modules[loaded].open = self.open
        return sys.modules[name]

    def open(self, name, mode="r"):
        if "w" in mode:
            self.writes += 1
            if self.full:
                raise OSError(ENOSPC)
        return open(name, mode)


def write(name, content):
    with open(name, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def read(name):
    """Return the bytes of a file, None if there is none."""
    try:
        with open(name, "rb") as f:
            return f.read()
    except OSError:
        return None
