# What this device does for its owner: measures, obeys, tells about itself.

import asyncio
import gc
import sys
import time

import coap
import machine
import thingsboard
from micropython import const

from . import identity, sensors, updates

VERSION = "1.0.0"

_STEP_MS = const(250)  # the measuring loop looks so often whether the interval has changed
_SHORTEST_S = 0.1
_LONGEST_S = const(86400)
_RETRY_S = const(10)


class Application:
    """The device at work; log(text) takes lines for a person, chosen is the started Trial."""

    def __init__(self, values, log, chosen):
        self.values = values
        self.log = log
        self.chosen = chosen
        self.interval_ms = 1000 * values["interval"]
        self.client = None
        self.device = None
        self.led = None

    def joined(self):
        """The Wi-Fi was entered: the address may be another one."""
        if self.client:
            try:
                self.client.reconnect()
            except OSError as error:
                self.log("reconnect: %r" % error)

    async def run(self):
        """Work until cancelled."""
        values = self.values
        window = 3
        if sys.platform == "rp2" and sys.implementation.version < (1, 26):
            window = 1  # its sockets keep one datagram
        self.client = await coap.connect(values["server"], values["port"], window_limit=window)
        access_token = await identity.access_token(self.client, values, self.log)
        self.device = device = thingsboard.Device(self.client, access_token, self.log)
        device.on_attributes(self.take_attributes)
        device.on_rpc("getInfo", self.get_info)
        device.on_rpc("setLed", self.set_led)
        device.on_rpc("reboot", self.reboot)
        asyncio.create_task(self.introduce())
        asyncio.create_task(self.measure())
        updater = updates.updater(device, values["keys"], self.chosen, self.log)
        await thingsboard.run(device, updater, 1000 * values["keepalive"])

    async def measure(self):
        """Record what the sensors say, every interval."""
        device = self.device
        last = time.ticks_ms()
        while True:
            values = sensors.read()
            ts = device.clock.now_ms()  # None until the server has told: the outbox stamps it then
            device.record(values, ts)
            self.log("measured %s %s" % (ts or "", values))
            while (left := self.interval_ms - time.ticks_diff(time.ticks_ms(), last)) > 0:
                await asyncio.sleep_ms(min(left, _STEP_MS))
            last = time.ticks_ms()

    async def introduce(self):
        """Tell the server, once, what this device is, and count its starts there."""
        while True:
            try:
                known = await self.device.request_attributes(client_keys=("starts",))
                starts = known.get("client", {}).get("starts", 0) + 1
                about = {"version": VERSION, "platform": sys.platform, "starts": starts}
                await self.device.send_attributes(about)
                self.log("start number %d" % starts)
                return
            except (OSError, coap.ResponseError, coap.TransferError) as error:
                self.log("attributes: %s" % error)
                await asyncio.sleep(_RETRY_S)

    def take_attributes(self, changed, deleted):
        """Apply the shared attribute `interval` (seconds); deleted, the setting counts again."""
        seconds = changed.get("interval")
        if "interval" in deleted:
            seconds = self.values["interval"]
        if seconds is None:
            return
        if type(seconds) in (int, float) and _SHORTEST_S <= seconds <= _LONGEST_S:
            self.interval_ms = int(1000 * seconds)
            self.log("interval %s s" % seconds)
        else:
            self.log("interval: expected %s to %s seconds" % (_SHORTEST_S, _LONGEST_S))

    def get_info(self, params):
        """The command getInfo: how the device is."""
        outbox = self.device.outbox
        endpoint = self.client.endpoint
        return {
            "version": VERSION,
            "uptime": self.device.clock.uptime_ms() // 1000,
            "interval": self.interval_ms / 1000,
            "waiting": len(outbox),
            "dropped": outbox.dropped,
            "refused": outbox.refused,
            "retransmissions": endpoint.retransmissions,
            "duplicates": endpoint.duplicates,
            "problem": self.device.problem,
        }

    def set_led(self, params):
        """The command setLed: {"on": true or false}."""
        on = params["on"]
        if not self.led:
            self.led = machine.Pin(self.values["led"], machine.Pin.OUT)
        self.led.value(1 if on else 0)
        return {"on": bool(on)}

    def reboot(self, params):
        """The command reboot: restarts once the server has the reply."""
        return {"ok": True}, machine.reset
