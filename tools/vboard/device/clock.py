# The module `time` of a virtual board whose clock is not the host's: the host tells by how many
# milliseconds it is ahead (it may change), and the ESP32 counts from 2000.

import time as _time
from time import *  # noqa: F403

from micropython import const

_EPOCH_2000 = const(946684800)
_file = None  # where the host says how far ahead the clock is
_epoch = 0  # in the host's seconds
_ticks_stand = False
_behind = 0  # by how many milliseconds the ticks are behind those of the interpreter


def begin(port, file):
    """Called by the start code: the port's module, and the host's file."""
    global _file, _epoch, _ticks_stand
    _file = file
    if port.EPOCH_YEAR == 2000:
        _epoch = _EPOCH_2000
    _ticks_stand = port.TICKS_STAND


def _now():
    _file.seek(0)
    return _time.time() + int(_file.read()) / 1000 - _epoch


def time():
    return int(_now())


def time_ns():
    return int(_now() * 1000) * 1000000


def gmtime(seconds=None):
    return _time.gmtime((_now() if seconds is None else seconds) + _epoch)[:8]


localtime = gmtime


def mktime(moment):
    return int(_time.mktime(moment + (0,) if len(moment) == 8 else moment)) - _epoch


def ticks_ms():
    return _time.ticks_add(_time.ticks_ms(), -_behind)


def slept(ms, start):
    """A light sleep of ms began at these ticks: let them have stood still, or gone on so far."""
    global _behind
    _behind += _time.ticks_diff(ticks_ms(), start)
    if not _ticks_stand:
        _behind -= ms
