# What the server can ask of this device: getInfo, setLed, reboot.

import machine

_SWITCH = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}


class Commands:
    """Obeys for a device. led: name or number of the LED's pin, None if unknown; version: of the
    application; reason: why the board was restarted; restart(reason) restarts it.
    """

    def __init__(self, device, measuring, led, version, reason, restart):
        self.device = device
        self.measuring = measuring
        self.led = led
        self.version = version
        self.reason = reason
        self.restart = restart
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
            "faults": device.session.faults,
            "restart": self.reason,
        }

    def set_led(self, params):
        """The command setLed: true, "on", 1, {"on": true} or {"enabled": true}, and their like."""
        if isinstance(params, dict):
            params = params.get("on", params.get("enabled"))
        on = _SWITCH.get(str(params).lower())
        if on is None:
            return {"error": "expected true or false"}
        try:
            self.pin = self.pin or machine.Pin(self.led, machine.Pin.OUT)
        except (ValueError, TypeError, OSError):
            return {"error": "no such pin; set led in settings.json"}
        self.pin.value(1 if on else 0)
        return {"on": on}

    def reboot(self, params):
        """The command reboot: restarts once the server has the reply."""
        return {"ok": True}, lambda: self.restart("the command reboot")
