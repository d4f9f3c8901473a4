# A stop that holds: nothing restarts the board while a person works on it.
#
# No port can stop a watchdog that was armed. An ESP32 takes a longer time for it; elsewhere a
# timer feeds it, also at the prompt. A soft reset, with which mpremote begins, ends that timer: so
# a file tells boot.py to start another one. After an hour the watchdog bites: whoever went away
# and forgot the board finds it at work.

import os

import machine
from board import board
from micropython import const

FILE = "hold"
STOPPED = "stopped"  # what the file says if the board was stopped by Ctrl-C
_HOLD_S = const(3600)

_timer = None  # that feeds the watchdog


def said():
    """Return what the file says; None if there is none."""
    try:
        with open(FILE) as f:
            return f.read().strip()
    except (OSError, ValueError):
        return None


def release():
    """Let this start be like any other, and the next."""
    if _timer:
        _timer.deinit()
    try:
        os.remove(FILE)
    except OSError:
        pass


def stopped():
    """A person stopped the board, its watchdog being armed: keep it from biting."""
    try:
        with open(FILE, "w") as f:
            f.write(STOPPED)
    except OSError:
        pass  # the flash is full: it holds until a soft reset
    feed()


def feed():
    """Keep an armed watchdog from biting, for an hour."""
    global _timer
    try:
        machine.WDT(timeout=1000 * _HOLD_S)
        return
    except ValueError:
        pass  # this port has no such time
    watchdog = machine.WDT(timeout=1000 * board.watchdog_max_s)
    left = _HOLD_S

    def tick(timer):
        nonlocal left
        left -= 1
        if left > 0:
            watchdog.feed()

    _timer = machine.Timer(-1, mode=machine.Timer.PERIODIC, period=1000, callback=tick)
