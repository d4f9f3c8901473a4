# What goes on through deep sleep, some bytes, and the sleep itself.
#
# An ESP32 keeps them in RTC memory, which lives until the power is off. Elsewhere they are in a
# file, which the wake removes: whatever ends that start, its own sleep or a watchdog, the next one
# does not take it for the end of an older sleep.

import os

import machine
from board import board
from micropython import const

_FILE = const("sleep.state")
_STEP_MS = const(4000)  # or half of the watchdog's time


def woken():
    """Return what was kept for this start, bytes; None if no sleep came before it."""
    cause = machine.reset_cause()
    if cause == getattr(machine, "DEEPSLEEP_RESET", None):
        return machine.RTC().memory()
    try:
        with open(_FILE, "rb") as f:
            kept = f.read()
        os.remove(_FILE)
    except OSError:
        return None
    return None if cause == machine.PWRON_RESET else kept


def sleep(ms, kept, watchdog_s):
    """Keep bytes for the start after the sleep, and sleep; never returns.

    watchdog_s: of the one that is armed, 0 if none is. Where there is no room for the file the
    start after the sleep knows of none.
    """
    if board.wifi_interface is not None:
        import network

        network.WLAN(board.wifi_interface).active(False)
    if hasattr(machine.RTC, "memory"):
        machine.RTC().memory(kept)
        machine.deepsleep(ms)
    try:
        # Closing replaces the content, at once and whole.
        with open(_FILE, "wb") as f:
            f.write(kept)
    except OSError:
        pass
    # RP2: machine.deepsleep() is a light sleep and a reset there, and no watchdog can be stopped.
    step_ms = min(_STEP_MS, 500 * watchdog_s or _STEP_MS)
    while ms > 0:
        if watchdog_s:
            try:
                machine.WDT(timeout=1000 * watchdog_s)
            except (ValueError, OSError):
                pass  # this port takes another time, or none, as start.py has said
        machine.lightsleep(min(ms, step_ms))
        ms -= step_ms
    machine.reset()
