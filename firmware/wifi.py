# Joins the Wi-Fi and joins again: a Pico W does not by itself after the access point was gone.

import asyncio

import network
from board import board
from micropython import const

_JOIN_S = const(15)
_PAUSE_S = const(5)


class Station:
    """The board in a Wi-Fi. config: the settings; application.joined() is called at each entry."""

    def __init__(self, config, log, application):
        self.config = config
        self.log = log
        self.application = application
        self._cycle = False  # whether to switch the chip off and on

    def report(self, error):
        """Tell what has ended run()."""
        self.log("wifi: %r" % error)

    def power_cycle(self):
        """Switch the chip off and on, soon."""
        self._cycle = True

    async def run(self):
        """Stay in the network until cancelled; raises what the driver does."""
        self._cycle = False
        ssid = self.config["wifi_ssid"]
        password = self.config["wifi_password"]
        log = self.log
        wlan = network.WLAN(board.wifi_interface)
        wlan.active(True)
        if board.wifi_awake is not None:
            try:
                # Power saving adds hundreds of milliseconds to every answer.
                wlan.config(pm=board.wifi_awake)
            except (ValueError, OSError):
                pass  # this driver has no such setting
        inside = False
        while True:
            if self._cycle:
                self._cycle = False
                wlan.active(False)
                await asyncio.sleep(1)
                wlan.active(True)
            if wlan.isconnected():
                if not inside:
                    inside = True
                    log("wifi: joined, address " + wlan.ifconfig()[0])
                    self.application.joined()
                await asyncio.sleep(1)
                continue
            inside = False
            log("wifi: joining")
            try:
                wlan.disconnect()
                await asyncio.sleep(1)
                wlan.connect(ssid, password)
                for _ in range(_JOIN_S):
                    await asyncio.sleep(1)
                    if wlan.isconnected():
                        break
            except OSError as error:
                log("wifi: %r" % error)
            if not wlan.isconnected():
                log("wifi: no connection (status %s)" % wlan.status())
                await asyncio.sleep(_PAUSE_S)
