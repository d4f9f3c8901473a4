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
        device.on_attributes(self.take_attributes, ("interval",))

    async def run(self):
        """Measure until cancelled."""
        last = time.ticks_ms()
        while True:
            self.measure()
            while (left := self.interval_ms - time.ticks_diff(time.ticks_ms(), last)) > 0:
                await asyncio.sleep_ms(min(left, _STEP_MS))
            last = time.ticks_ms()

    def measure(self):
        """Record one reading of each sensor; what does not work costs that value only."""
        device = self.device
        try:
            readings = sensors.read()
            for name in list(readings):
                try:
                    if isinstance(readings[name], Exception):
                        raise readings[name]
                    device.payload.record({name: readings[name]})
                except Exception as error:
                    device.session.report("sensor %s" % name, error)
                    del readings[name]
            if readings:
                device.record(readings)
                self.log("measured %s %s" % (device.clock.now_ms() or "", readings))
        except Exception as error:
            device.session.report("sensors", error)

    def take_attributes(self, changed, deleted):
        """Apply the shared attribute `interval` (seconds); deleted, the setting counts again."""
        seconds = changed.get("interval")
        if "interval" in deleted:
            seconds = self.default_interval
        if seconds is None:
            return
        try:
            if isinstance(seconds, str):
                seconds = float(seconds)
            good = type(seconds) in (int, float) and _SHORTEST_S <= seconds <= _LONGEST_S
        except ValueError:
            good = False
        if good:
            self.interval_ms = int(1000 * seconds)
            self.log("interval %s s" % seconds)
        else:
            expected = "expected %s to %s seconds" % (_SHORTEST_S, _LONGEST_S)
            self.device.session.report("interval", ValueError(expected))
