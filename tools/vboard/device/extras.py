# What few programs want of `machine`: it costs no memory before it is asked for.

import _thread
import sys
import time

from micropython import const

_MS = const(1000)


class Timer:
    """A timer whose callback runs also at the prompt; it ends at a reset of any kind."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, **settings):
        if id not in (-1, 0, 1, 2, 3) or (id != -1 and "rp2" in sys.modules):
            raise ValueError("Timer doesn't exist")
        self._life = 0
        if settings:
            self.init(**settings)

    def init(self, mode=PERIODIC, period=-1, freq=-1, callback=None):
        self._life += 1
        if freq != -1:
            period = _MS // freq
        _thread.start_new_thread(self._run, (self._life, mode, period, callback))

    def deinit(self):
        self._life += 1

    def _run(self, life, mode, period, callback):
        while True:
            time.sleep_ms(period)
            if life != self._life:
                return
            try:
                callback(self)
            except Exception as e:
                sys.print_exception(e)
            if mode == self.ONE_SHOT:
                return


class RTC:
    """The clock; setting it changes what `time` says, on a board that has a clock of its own."""

    def datetime(self, moment=None):
        if moment is not None:
            set_clock(time.mktime(moment[:3] + moment[4:7] + (0, 0)))
        year, month, day, hour, minute, second, weekday, _ = time.gmtime()[:8]
        return (year, month, day, weekday, hour, minute, second, 0)


def set_clock(seconds):
    if hasattr(time, "set_clock"):
        time.set_clock(seconds)


def lightsleep(ms=0):
    """Sleep; the ticks stand still meanwhile where they do on the port."""
    if hasattr(time, "lightsleep"):
        time.lightsleep(ms)
    else:
        time.sleep_ms(ms)
