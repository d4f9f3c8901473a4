# Runs at every start: settings, what is to run, watchdog, Wi-Fi, then the application, for ever.
# No update replaces it; what it calls of the application is in README.md.

import asyncio
import gc
import io
import os
import sys
import time

import machine
import settings
from board import board
from trial import Trial

start_ms = time.ticks_ms()
# Collected early, what stays lies close together: else room for 2 KB is not to be found after a
# minute on a bad link, with 50 KB free.
gc.threshold(8192)


def log(text):
    print("%6d %s" % (time.ticks_diff(time.ticks_ms(), start_ms) // 1000, text))


async def feed(watchdog):
    while True:
        watchdog.feed()
        await asyncio.sleep(1)


async def limit(seconds, trial):
    """Give up an update that runs, but does not reach the server."""
    await asyncio.sleep(seconds)
    if trial.unconfirmed():
        give_up(trial, "it did not reach the server in %d seconds" % seconds)


def give_up(trial, error):
    """Note how this start ended, and restart."""
    print(error)
    try:
        trial.crashed(error)
    except OSError as full:
        print(full)
    time.sleep_ms(500)  # what was printed goes out; shorter than any watchdog
    machine.reset()


async def main(config, trial):
    if config["watchdog"] and hasattr(machine, "WDT"):
        asyncio.create_task(feed(machine.WDT(timeout=1000 * config["watchdog"])))
    if config["trial"] and trial.unconfirmed():
        asyncio.create_task(limit(config["trial"], trial))
    import app  # under the watchdog: an update may hang here

    application = app.Application(config, log, trial)
    if board.wifi_interface is not None:
        import wifi

        asyncio.create_task(
            wifi.keep(config["wifi_ssid"], config["wifi_password"], application.joined, log)
        )
    await application.run()


def text_of(error):
    """Return where and why an exception was raised, in a line."""
    trace = io.StringIO()
    sys.print_exception(error, trace)
    return " ".join([line.strip() for line in trace.getvalue().split("\n")[-3:]]).strip()


try:
    config = settings.load()
except settings.SettingsError as error:
    print(error)
else:
    trial = Trial(os)
    sys.path.insert(0, trial.start(machine.reset_cause() == machine.WDT_RESET))
    reserve = bytearray(6000)  # where memory ran out, the crash must be noted all the same
    try:
        asyncio.run(main(config, trial))
        give_up(trial, "the application ended")
    except KeyboardInterrupt:
        trial.interrupted()
    except BaseException as error:
        reserve = None
        give_up(trial, text_of(error))
