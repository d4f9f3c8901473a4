# One start of the board: settings, what is to run, watchdog, Wi-Fi, then the application, for
# ever.
# No update replaces it; what it calls of the application is in README.md.

import asyncio
import gc
import io
import os
import sys
import time

import hold
import machine
from board import board
from guard import POWER_CYCLE, RESTART, Guard
from micropython import const
from restarts import Restarts
from trial import Trial

_SETTLED_S = const(600)  # who lives so long is not part of a row of crashes
_HOLD_S = const(3600)
_RESERVE = const(6000)  # bytes

start_ms = time.ticks_ms()


def uptime_s():
    return time.ticks_diff(time.ticks_ms(), start_ms) // 1000


def log(text):
    print("%6d %s" % (uptime_s(), text))


class Start:
    """One start of the board. config: the settings; restarts: why there was one."""

    def __init__(self, config, restarts, trial):
        self.config = config
        self.restarts = restarts
        self.trial = trial
        self.application = None
        self.station = None  # of the Wi-Fi; None: the host is on the net already
        self.uptime_s = 0
        self.armed = False  # whether the watchdog is

    def until_it_ends(self):
        """Work; return in a line what has ended it. Raises KeyboardInterrupt."""
        # Where memory ran out, the crash must be noted all the same.
        self.reserve = bytearray(_RESERVE)
        try:
            asyncio.run(self.run())
            return "the application ended"
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.application = self.station = self.reserve = None
            try:
                return text_of(error)
            except MemoryError:
                return "MemoryError"

    async def run(self):
        """Work until an exception ends it."""
        config = self.config
        watchdog = None
        if config["watchdog"] and hasattr(machine, "WDT"):
            try:
                watchdog = machine.WDT(timeout=1000 * config["watchdog"])
                self.armed = True
            except (ValueError, OSError) as error:
                print("watchdog: %s" % error)  # this port takes another time, or none
        asyncio.create_task(self.watch(watchdog))
        import app  # under the watchdog: an update may hang here

        self.application = app.Application(config, log, self.trial, self.restarts)
        self.application.begin()  # a board that sleeps may do no more
        if board.wifi_interface is not None:
            import wifi
            from coap.supervisor import supervise

            self.station = station = wifi.Station(config, log, self.application)
            asyncio.create_task(supervise(station.run, station.report))
        await self.application.run()

    async def watch(self, watchdog):
        """Feed the watchdog as long as this loop turns, and see that the board gets somewhere.

        If this ends, nobody feeds.
        """
        config = self.config
        guard = Guard(config["offline"], self.restarts.lonely, 0)
        # Seconds are counted, not computed: ticks wrap in 12 days, and clocks are set.
        while True:
            if watchdog:
                watchdog.feed()
            await asyncio.sleep(1)
            self.uptime_s += 1
            if self.uptime_s == _SETTLED_S:
                self.restarts.settled()
            application = self.application
            if not application:
                continue
            try:
                contacts = application.contacts()
            except Exception:  # an application that cannot tell has none
                contacts = 0
            remedy = guard.look(self.uptime_s, contacts)
            if remedy == POWER_CYCLE and self.station:
                log("server: silent; the Wi-Fi is power-cycled")
                self.station.power_cycle()
            elif remedy == RESTART:
                self.leave("the server was silent", guard.lonely + 1)
            elif config["trial"] and self.uptime_s % config["trial"] == 0:
                if self.trial.unconfirmed():
                    try:
                        self.trial.unreached()
                    except OSError as full:  # then the same one has another turn
                        print(full)
                    self.leave("an update did not reach the server", 0)

    def leave(self, reason, lonely):
        """Restart as planned: what waits for the server is kept."""
        log("restart: " + reason)
        self.reserve = None
        try:
            self.application.suspend()
            self.restarts.note(reason, 0, lonely)
        except Exception as error:
            print(text_of(error))
        machine.reset()

    def crashed(self, error):
        """Note how this start ended, wait where a person can step in, and restart."""
        print(error)
        wait_s = 1
        try:
            reason = "after %d s: %s" % (self.uptime_s, error)
            wait_s = self.restarts.crashed(reason, self.uptime_s >= _SETTLED_S)
            self.trial.crashed(error)
        except Exception as another:  # the flash is full, or memory still short
            print(another)
        if wait_s > 1:
            print("restart in %d s; Ctrl-C leads to the prompt" % wait_s)
        if self.armed:
            hold.feed()  # the wait may be longer than the watchdog's time
        time.sleep(wait_s)  # what was printed goes out meanwhile
        machine.reset()

    def stopped(self):
        """A person pressed Ctrl-C."""
        self.trial.interrupted()
        if self.armed:
            hold.stopped()
        print("stopped: copy files at leisure, the watchdog is kept quiet for an hour; then reset")


def text_of(error):
    """Return where and why an exception was raised, in a line."""
    trace = io.StringIO()
    sys.print_exception(error, trace)
    return " ".join([line.strip() for line in trace.getvalue().split("\n")[-3:]]).strip()


def went_back(record, before):
    """Return a line on what this start runs in the place of an update, or None.

    record: of the application, of the started Trial; before: what ran until then.
    """
    run = record["run"]
    if record["aside"]:
        words = "update: %s has not reached the server; %s has a turn"
        return words % (_named(record["back"]), _named(run))
    if run == before:
        return None
    reason = "its files are damaged, or the flash is full"
    if record["failed"] == before["id"]:
        reason = record["reason"]
    return "update: %s is given up for %s: %s" % (_named(before), _named(run), reason)


def _named(package):
    # Title and version; what was deployed by cable has none.
    return (package["title"] + " " + package["version"]).strip() or "the factory copy"


def wait_held():
    """Do nothing for an hour, with the prompt a Ctrl-C away; then restart."""
    print("hold: Ctrl-C leads to the prompt; a reset, or an hour, starts the application")
    time.sleep(_HOLD_S)
    machine.reset()


def load_settings():
    """Return the settings, or None if they are wrong; what reads them leaves the memory."""
    import settings

    try:
        config = settings.load()
        for note in config["notes"]:
            print(note)
        return config
    except settings.SettingsError as error:
        print(error)
    finally:
        del sys.modules["settings"]


def woken():
    """Return what was kept through the sleep before this start, None if there was none."""
    import deep_sleep

    try:
        return deep_sleep.woken()
    finally:
        del sys.modules["deep_sleep"]


def run():
    """Do what there is to do at a start; return only to the prompt."""
    # Collected early, what stays lies close together: else room for 2 KB is not to be found after
    # a minute on a bad link, with 50 KB free.
    gc.threshold(8192)
    held = hold.said()
    hold.release()
    config = load_settings()
    if not config:
        return
    if held is not None and held != hold.STOPPED:
        wait_held()
    if board.problem:
        print(board.problem + "; deploy the firmware for this board")
    cause = machine.reset_cause()
    kept = None
    if config["report_every"]:
        kept = woken()
    # A sleep of RP2 ends with a reset that looks like a watchdog's.
    watchdog = cause == machine.WDT_RESET and kept is None
    restarts = Restarts(cause == machine.PWRON_RESET, watchdog, kept)
    trial = Trial(os)
    before = trial.state["app"]["run"]
    suspect = watchdog or restarts.crashes > 0
    sys.path.insert(0, trial.start(suspect, cause == machine.PWRON_RESET))
    line = went_back(trial.state["app"], before)
    if line:
        print(line)
    start = Start(config, restarts, trial)
    try:
        start.crashed(start.until_it_ends())
    except KeyboardInterrupt:
        start.stopped()
