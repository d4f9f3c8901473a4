# Joins the Wi-Fi and joins again: a Pico W does not by itself after the access point was gone.

import asyncio

import network
from board import board
from micropython import const

_JOIN_S = const(15)
_PAUSE_S = const(5)


async def keep(ssid, password, joined, log):
    """Stay in the network until cancelled; joined() is called each time it was entered."""
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
        if wlan.isconnected():
            if not inside:
                inside = True
                log("wifi: joined, address " + wlan.ifconfig()[0])
                joined()
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
