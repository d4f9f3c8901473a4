# What the server can ask of this device: getInfo, setLed, reboot.

import machine


class Commands:
    """Obeys for a device. led: name or number of the LED's pin; version: of the application."""

    def __init__(self, device, measuring, led, version):
        self.device = device
        self.measuring = measuring
        self.led = led
        self.version = version
        self.pin = None  # the LED's, from the first setLed on
        device.on_rpc("getInfo", self.get_info)
        device.on_rpc("setLed", self.set_led)
        device.on_rpc("reboot", self.reboot)

    def get_info(self, params):
        """The command getInfo: how the device is."""
        device = self.device
        outbox = device.outbox
        endpoint = device.client.endpoint
        return {
            "version": self.version,
            "uptime": device.clock.uptime_ms() // 1000,
            "interval": self.measuring.interval_ms / 1000,
            "waiting": len(outbox),
            "dropped": outbox.dropped,
            "refused": outbox.refused,
            "retransmissions": endpoint.retransmissions,
            "duplicates": endpoint.duplicates,
            "problem": device.problem,
        }

    def set_led(self, params):
        """The command setLed: {"on": true or false}."""
        on = params["on"]
        if not self.pin:
            self.pin = machine.Pin(self.led, machine.Pin.OUT)
        self.pin.value(1 if on else 0)
        return {"on": bool(on)}

    def reboot(self, params):
        """The command reboot: restarts once the server has the reply."""
        return {"ok": True}, machine.reset
