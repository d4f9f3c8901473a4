# Readings of the sensors, again and again, at an interval that the server can change.

import asyncio
import time

from micropython import const

from . import sensors

_STEP_MS = const(250)  # the loop looks so often whether the interval has changed
_SHORTEST_S = 0.1
_LONGEST_S = const(86400)


class Measuring:
    """Records what the sensors say. interval: seconds, as the settings have them."""

    def __init__(self, device, interval, log):
        self.device = device
        self.log = log
        self.default_interval = interval  # counts while the server has no other
        self.interval_ms = 1000 * interval
        device.on_attributes(self.take_attributes)

    async def run(self):
        """Measure until cancelled."""
        device = self.device
        last = time.ticks_ms()
        while True:
            readings = sensors.read()
            ts = device.clock.now_ms()  # None until the server has told: the outbox stamps it then
            device.record(readings, ts)
            self.log("measured %s %s" % (ts or "", readings))
            while (left := self.interval_ms - time.ticks_diff(time.ticks_ms(), last)) > 0:
                await asyncio.sleep_ms(min(left, _STEP_MS))
            last = time.ticks_ms()

    def take_attributes(self, changed, deleted):
        """Apply the shared attribute `interval` (seconds); deleted, the setting counts again."""
        seconds = changed.get("interval")
        if "interval" in deleted:
            seconds = self.default_interval
        if seconds is None:
            return
        if type(seconds) in (int, float) and _SHORTEST_S <= seconds <= _LONGEST_S:
            self.interval_ms = int(1000 * seconds)
            self.log("interval %s s" % seconds)
        else:
            self.log("interval: expected %s to %s seconds" % (_SHORTEST_S, _LONGEST_S))
