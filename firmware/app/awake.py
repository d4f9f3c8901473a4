# A start that ends no sleep, of a device that sleeps between its measurements: it lasts until the
# server knows all, and as long as a person needs to step in.
#
# Updates are done in such a start: at others their code has no room beside the journal's on an
# ESP32.

import asyncio

from micropython import const
from thingsboard.assignment import assigned

_DOOR_MS = const(10_000)
_LOOK_MS = const(500)
_SILENCE_MS = const(60_000)  # without a server it ends as well
_LIMIT_MS = const(120_000)  # and with one that refuses, or talks all the time
_UPDATE_MS = const(1_200_000)  # as long as an update gets on
_DAY_MS = const(86_400_000)  # an ESP32 cannot sleep 25 days


async def sleep_when_done(application):
    """Begin to sleep once the server knows all or was silent for long; return if work() ends."""
    config = application.config
    trial = application.trial
    heard = since = 0
    downloaded = moved = 0  # bytes of an update, and when the last ones came
    listen_ms = 1000 * config["listen"]
    while True:
        await asyncio.sleep_ms(_LOOK_MS)
        if application.working.done():
            return
        device = application.device
        now = application.clock.uptime_ms()
        if application.contacts() != heard:
            heard = application.contacts()
            since = now
        updater = application.updater
        if updater and updater.downloaded != downloaded:
            downloaded = updater.downloaded
            moved = now
        busy = not application.introduced or updater.busy or device.commands.busy
        done = not busy and not len(device.outbox)
        limit_ms = min(moved + _LIMIT_MS, _UPDATE_MS)
        quiet = now - since >= (listen_ms if done else _SILENCE_MS)
        if now < _DOOR_MS or not quiet and now < limit_ms:
            continue
        # A firmware on trial is given up by the boot loader of an ESP32 at the next start.
        if not trial.state["firmware"]["on_trial"]:
            break
    import deep_sleep

    wait_ms = 1000 * config["interval"]
    if trial.unconfirmed():
        try:
            trial.unreached()
        except OSError as full:  # then the same one has another turn
            application.log(str(full))
        wait_ms = min(wait_ms * config["report_every"], _DAY_MS)
    application.suspend()
    # What silence cut off goes on with the next report. An update that did not get on is put off:
    # one whose server answers with errors, or whose blocks do not come, is not worth a battery.
    put_off = busy and not (quiet and moved)
    settled = assigned(device.shared) if device and (put_off or not busy) else 0
    application.log("asleep from now on")
    kept = settled.to_bytes(4, "little") + bytes([put_off])
    deep_sleep.sleep(wait_ms - now % wait_ms, kept, config["watchdog"])
