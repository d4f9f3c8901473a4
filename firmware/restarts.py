# Why the board was restarted, and how long to wait before it is once more.
#
# Both are in a file, because no memory that every board has lives through a reset. A row of
# crashes writes it a handful of times and then no more: a flash block bears 100,000 erases.

import json
import os

import machine
from micropython import const

_FILE = const("restarts.json")
_RESERVE = const("reserve")  # is given up for the file if an application has filled the flash
_RESERVE_BYTES = const(4096)
_REASON_MAX = const(200)  # characters
_WAITS_S = (0.5, 2, 10, 60, 300)  # before a restart, by the number of crashes in a row


class Restarts:
    """What ended the start before this one, by the notes that it left.

    reason: as text. crashes: how many starts in a row ended by one. lonely: how many ended because
    the server was not heard. count: how many of both, for the server. power_on: the notes are
    about the time before the power was off. watchdog: it may have ended the last start. kept: what
    deep_sleep.woken() returned; no notes count after a sleep.
    """

    def __init__(self, power_on, watchdog, kept=None):
        self._stored = stored = _read()
        self.kept = kept
        self.reason = "power on" if kept is None else "sleep"
        self.crashes = self.lonely = 0
        if not power_on and kept is None:
            self.reason = str(stored.get("reason", "watchdog" if watchdog else "reset"))
            self.crashes = _count(stored, "crashes")
            self.lonely = _count(stored, "lonely")
        if not self.crashes:
            _reserve()

    @property
    def count(self):
        return self.crashes + self.lonely

    def crashed(self, reason, settled):
        """Note a crash and return for how many seconds to wait before the restart.

        settled: this start had lived for a while, so the crash is the first of a row.
        """
        crashes = 1 if settled else self.crashes + 1
        if crashes <= len(_WAITS_S):  # further ones are not worth the flash
            self.note(reason, crashes)
        return _WAITS_S[min(crashes, len(_WAITS_S)) - 1]

    def note(self, reason, crashes=0, lonely=0):
        """Keep why this start ends, for the next one to tell."""
        fields = {"reason": reason[:_REASON_MAX], "crashes": crashes, "lonely": lonely}
        if fields == self._stored:
            return
        self._stored = fields
        for _ in range(2):
            try:
                with open(_FILE + ".tmp", "w") as f:
                    json.dump(fields, f)
                os.rename(_FILE + ".tmp", _FILE)
                return
            except OSError:
                _remove(_RESERVE)

    def restart(self, reason):
        """Restart the board as planned."""
        print("restart: " + reason)
        self.note(reason)
        machine.reset()

    def settled(self):
        """This start has lived for a while: what the notes say is past."""
        if self._stored:
            self._stored = {}
            _remove(_FILE)


def _read():
    try:
        with open(_FILE) as f:
            stored = json.load(f)
        return stored if isinstance(stored, dict) else {}
    except (OSError, ValueError):
        return {}


def _count(stored, name):
    value = stored.get(name)
    return min(value, len(_WAITS_S)) if type(value) is int and value > 0 else 0


def _reserve():
    try:
        if os.stat(_RESERVE)[6] == _RESERVE_BYTES:
            return
    except OSError:
        pass
    try:
        with open(_RESERVE, "wb") as f:
            f.write(bytes(_RESERVE_BYTES))
    except OSError:
        _remove(_RESERVE)


def _remove(name):
    try:
        os.remove(name)
    except OSError:
        pass
