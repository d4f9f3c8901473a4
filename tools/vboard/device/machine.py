# The module `machine` of the virtual board, with the manners of its port. The supervisor does what
# the hardware does; this module tells it.

import os
import sys

import vboard.protocol as protocol
import vfs

from . import control

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3

_port = None
_reset_cause = PWRON_RESET
_sources = None  # the folder of this package, on the host
_memory = None  # the host's file of RTC().memory(), which the start code opens if there is one


def begin(port, cause, soft):
    """Called by the start code: the port's module, and why the board starts.

    After a soft reset that is why it started before, but where the port knows better.
    """
    global _port, _reset_cause, _sources
    _sources = vfs.VfsPosix(os.getcwd() + "/vboard")
    _port = port
    _reset_cause = port.CAUSES[cause]
    if soft:
        _reset_cause = getattr(port, "SOFT_RESET", _reset_cause)


def __getattr__(name):
    # What few programs want is read from the host when it is wanted: till then it takes no memory.
    if name in ("Timer", "RTC", "lightsleep", "deepsleep"):
        if "vboard.extras" not in sys.modules:
            folder = os.getcwd()
            vfs.mount(_sources, "/vboard")
            os.chdir("/")
            try:
                __import__("vboard.extras")
            finally:
                os.chdir(folder)
                vfs.umount("/vboard")
        return getattr(sys.modules["vboard.extras"], name)
    if name in ("SOFT_RESET", "DEEPSLEEP_RESET") and hasattr(_port, name):
        return getattr(_port, name)
    raise AttributeError(name)


def reset():
    control.halt(protocol.RESET)


def reset_cause():
    return _reset_cause


def unique_id():
    return b"\xe6\x60\x00\x00VBRD"


class WDT:
    """The watchdog. It cannot be stopped; a new one only changes the timeout."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if not 1 <= timeout <= _port.LONGEST_WATCHDOG_MS:
            raise ValueError("timeout exceeds %d" % _port.LONGEST_WATCHDOG_MS)
        control.tell(protocol.WATCHDOG, timeout)

    def feed(self):
        control.tell(protocol.FEED)


class Pin:
    """The one pin of this board: Pin("LED", Pin.OUT)."""

    IN = 0
    OUT = 1

    def __init__(self, id, mode=OUT, pull=-1, value=None):
        if id != "LED" or mode != self.OUT:
            raise ValueError("this board has only Pin('LED', Pin.OUT)")
        self._value = 0
        if value is not None:
            self.value(value)

    def value(self, value=None):
        if value is None:
            return self._value
        self._value = int(bool(value))
        control.tell(protocol.LED, self._value)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)
