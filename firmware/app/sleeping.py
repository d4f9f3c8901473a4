# The life of a device that sleeps: it wakes, measures and sleeps again; now and then it reports.

import asyncio

import deep_sleep
from micropython import const
from thingsboard.visit import visit

from .rhythm import Rhythm

_LOOK_MS = const(6 * 3600_000)  # between looks at the server's time, once the sleeps are known
_DOOR_MS = const(10_000)  # so long a person can step in, after a start that ends no sleep


class Sleeper:
    """Sleeps for an Application. kept: what deep_sleep.woken() returned."""

    def __init__(self, application, kept):
        config = application.config
        self.application = application
        self.rhythm = Rhythm(config["report_every"], 1000 * config["interval"], kept)

    def wants_network(self):
        """Return whether there will be a report at this start."""
        return self.rhythm.is_due() or self.application.trial.unconfirmed()

    def resume(self, clock):
        """Let a clock go on as if there had been no sleep."""
        rhythm = self.rhythm
        if rhythm.woken:
            unsure_ms = rhythm.uptime_ms - rhythm.looked_ms
            clock.resume(rhythm.uptime_ms, rhythm.start_ms, unsure_ms)

    def measure(self, measuring):
        """Measure, and sleep unless this is the time to report, or the flash takes no record."""
        rhythm = self.rhythm
        measuring.interval_ms = rhythm.interval_ms
        measuring.measure()
        rhythm.measured += 1
        outbox = measuring.device.outbox
        if not rhythm.woken:
            rhythm.born = outbox.born
        if not self.wants_network():
            outbox.write()
            if not outbox.problem:
                self._sleep(measuring)
            self.application.log(str(outbox.problem))

    async def report(self, measuring, updater):
        """Be in touch with the server, then sleep."""
        application = self.application
        device = measuring.device
        rhythm = self.rhythm
        clock = device.clock
        if rhythm.woken:
            measuring.interval_ms = rhythm.interval_ms
            device.client.endpoint.message_id = rhythm.message_id
            if not application.trial.unconfirmed():
                updater.untold.clear()
        errands = []
        if not rhythm.woken:
            errands.append(("introduction", application.introduce))
        if not rhythm.rate or clock.uptime_ms() - rhythm.looked_ms >= _LOOK_MS:
            errands.append(("clock", lambda: self._look(device)))
        listen_ms = 1000 * application.config["listen"]
        firmware = application.trial.state["firmware"]
        while True:
            done = await visit(device, updater, errands, listen_ms)
            # A firmware on trial is given up by the boot loader of an ESP32 at the next start.
            if done or not firmware["on_trial"]:
                break
        if done and "interval" not in device.shared:
            measuring.interval_ms = measuring.default_interval * 1000
        elif not done and application.trial.unconfirmed():
            application.trial.unreached()
        rhythm.reported(done)
        if done and device.session.faults:
            await application.tell_faults()
        if not rhythm.woken:
            while clock.uptime_ms() < _DOOR_MS:
                await asyncio.sleep_ms(_DOOR_MS // 50)
        rhythm.message_id = device.client.endpoint.message_id
        device.outbox.write()
        self._sleep(measuring)

    async def _look(self, device):
        clock = device.clock
        await clock.sync(device.client)
        start_ms = clock.at(0)
        if start_ms is not None:
            self.rhythm.looked(clock.uptime_ms(), start_ms)

    def _sleep(self, measuring):
        application = self.application
        device = measuring.device
        rhythm = self.rhythm
        rhythm.interval_ms = measuring.interval_ms
        application.restarts.settled()
        ms = rhythm.sleep_ms(device.clock.uptime_ms())
        application.log("asleep for %d s, %d records wait" % (ms // 1000, len(device.outbox)))
        deep_sleep.sleep(ms, rhythm.keep(), application.config["watchdog"])
