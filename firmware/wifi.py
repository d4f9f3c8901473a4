# Joins the Wi-Fi and stays in it, whatever the chip, its driver and the access point do.

import asyncio

import machine
import network
from board import board
from micropython import const

_JOIN_MS = const(15_000)
_LOOK_MS = const(100)  # whether it is joined: who sleeps counts each
_PAUSE_S = const(5)
_FAILURES = const(4)  # of joining, in a row: then the chip is switched off and on
_SILENT_S = const(180)  # joined, but the server is not heard: isconnected() may be wrong
_LONGEST_S = const(3600)


class Station:
    """The board in a Wi-Fi. config: the settings.

    application.joined() is called at each entry, and when the address changed;
    application.contacts() counts what came of the server.
    """

    _why = None  # the last failure to join, as told, and how often in a row it was that
    _times = 0
    _tried = False  # whether the driver was asked to join, by us

    def __init__(self, config, log, application):
        self.config = config
        self.log = log
        self.application = application
        self._power_cycle = False
        self._silent_s = _SILENT_S  # doubles while joining anew does not help

    def report(self, error):
        """Tell what has ended run(), None: it gave up; the chip is switched off and on."""
        if error:
            self.log("wifi: %r" % error)
        self._power_cycle = True

    def power_cycle(self):
        """Switch the chip off and on, soon."""
        self._power_cycle = True

    async def run(self):
        """Stay in the network until cancelled; raises what the driver does."""
        wlan = network.WLAN(board.wifi_interface)
        if self._power_cycle:
            self._power_cycle = False
            wlan.active(False)
            await asyncio.sleep(1)
        self._set_up(wlan)
        failures = 0
        while not self._power_cycle and failures < _FAILURES:
            if wlan.isconnected():
                failures = 0
                await self._stay(wlan)
            else:
                failures += 1
                await self._join(wlan)

    def _set_up(self, wlan):
        config = self.config
        name = config["hostname"] or "tb-" + machine.unique_id()[-3:].hex()
        self._attempt(network.hostname, name)
        if config["wifi_country"]:
            self._attempt(network.country, config["wifi_country"].upper())
        wlan.active(True)
        if board.wifi_awake is not None:
            # Power saving adds hundreds of milliseconds to every answer.
            self._attempt(wlan.config, pm=board.wifi_awake)
        if config["wifi_address"]:
            self._attempt(wlan.ifconfig, tuple(config["wifi_address"]))

    def _attempt(self, setting, *values, **more):
        # The Wi-Fi may work without.
        try:
            setting(*values, **more)
        except Exception as error:
            self.log("wifi: %r" % error)

    async def _join(self, wlan):
        config = self.config
        if not self._times:
            self.log("wifi: joining")
        if self._tried:
            wlan.disconnect()
            await asyncio.sleep(1)
        self._tried = True
        security = config["wifi_security"]
        if isinstance(security, str):
            security = getattr(wlan, "SEC_" + security.upper(), None)
            if security is None:
                self.log("wifi_security: unknown")
        more = {} if security is None else {"security": security}
        wlan.connect(config["wifi_ssid"], config["wifi_password"], **more)
        for _ in range(_JOIN_MS // _LOOK_MS):
            await asyncio.sleep_ms(_LOOK_MS)
            if wlan.isconnected():
                return
        from wifi_words import words_of

        why = words_of(wlan.status())
        self._times = times = self._times + 1 if why == self._why else 1
        self._why = why
        if times & times - 1 == 0:  # 1, 2, 4, 8: the same is told ever more seldom
            self.log("wifi: %s, try %d" % (why, times))
        await asyncio.sleep(_PAUSE_S)

    async def _stay(self, wlan):
        # Return when the network is gone, or seems to be there and is not.
        application = self.application
        address = None
        contacts = application.contacts()
        silent_s = 0
        while wlan.isconnected() and not self._power_cycle:
            now = wlan.ifconfig()[0]
            if now != address:
                address = now
                self._times = 0
                self.log("wifi: joined, address " + address)
                application.joined()
            silent_s += 1
            heard = application.contacts()
            if heard != contacts:
                contacts = heard
                silent_s = 0
                self._silent_s = _SILENT_S
            if silent_s >= self._silent_s:
                self.log("wifi: server silent")
                self._silent_s = min(2 * self._silent_s, _LONGEST_S)
                return await self._join(wlan)
            await asyncio.sleep(1)
