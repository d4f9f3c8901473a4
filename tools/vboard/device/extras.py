# What few programs want of `machine`: it costs no memory before it is asked for.

import _thread
import sys
import time

import vboard.protocol as protocol
from micropython import const

from . import control, machine

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
    """The clock, which sets what `time` says on a board that has its own; and the RTC's memory."""

    if machine._memory:  # no hasattr(RTC, "memory") on a port that has none

        def memory(self, data=None):
            file = machine._memory
            file.seek(0)
            if data is None:
                return file.read(int.from_bytes(file.read(2), "little"))
            if len(data) > protocol.MEMORY_MAX:
                raise ValueError("buffer too long")
            file.write(len(data).to_bytes(2, "little") + bytes(data))

    def datetime(self, moment=None):
        if moment is not None:
            seconds = time.mktime(moment[:3] + moment[4:7] + (0, 0))
            if hasattr(time, "slept"):
                _ask(protocol.SET_CLOCK, seconds - time.time())
        year, month, day, hour, minute, second, weekday, _ = time.gmtime()[:8]
        return (year, month, day, weekday, hour, minute, second, 0)


def lightsleep(ms=""):
    """Sleep; the ticks stand still meanwhile where they do on the port."""
    start = time.ticks_ms()
    _ask(protocol.SLEEP, ms)
    if hasattr(time, "slept"):
        time.slept(ms, start)


def deepsleep(ms=""):
    """Sleep and start again: on an RP2 light sleep and a reset."""
    if not hasattr(machine._port, "DEEPSLEEP_RESET"):
        lightsleep(ms)
        machine.reset()
    control.halt(protocol.DEEP_SLEEP, ms)


def _ask(word, argument):
    # Tell the supervisor and wait until it has done its part.
    control.tell(word, argument)
    control._stream.read(1)
