# The module `time` of a virtual board whose clock is not the host's: the host tells by how many
# seconds it is ahead (it may change), and the ESP32 counts from 2000.

import time as _time
from time import *  # noqa: F403

from micropython import const

_EPOCH_2000 = const(946684800)
_file = None  # where the host says how far ahead the clock is
_epoch = 0  # in the host's seconds
_set = 0  # by how many seconds a program has set the clock forward
_ticks_stand = False
_slept = 0  # milliseconds that the ticks stood still


def begin(port, file):
    """Called by the start code: the port's module, and the host's file."""
    global _file, _epoch, _ticks_stand
    _file = file
    if port.EPOCH_YEAR == 2000:
        _epoch = _EPOCH_2000
    _ticks_stand = port.TICKS_STAND


def _now():
    _file.seek(0)
    return _time.time() + int(_file.read()) + _set - _epoch


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
    return _time.ticks_add(_time.ticks_ms(), -_slept)


def set_clock(seconds):
    """What machine.RTC does."""
    global _set
    _set += seconds - time()


def lightsleep(ms):
    """What machine.lightsleep() does."""
    global _slept
    _time.sleep_ms(ms)
    if _ticks_stand:
        _slept += ms
