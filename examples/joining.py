# What the examples have in common: the settings, and the way into the Wi-Fi.

import json
import sys
import time

try:
    import network
except ImportError:  # a PC is on the net already
    network = None  # type: ignore[assignment]

_JOIN_S = 20


def settings(port=5683):
    """Read settings.json and join the Wi-Fi that it names; return what it has, a dict.

    port is the server's if the file has none. Ends the program with a sentence if that cannot be.
    """
    try:
        with open("settings.json") as file:
            values = json.load(file)
        server = values["server"]
    except OSError:
        _end("settings.json: missing; copy one to where the program runs")
    except (ValueError, KeyError, TypeError):
        _end('settings.json: expected {"server": "...", "access_token": "..."}')
    values.setdefault("port", port)
    if network:
        _join(values)
    print("server %s port %d" % (server, values["port"]))
    return values


def _join(values):
    wlan = network.WLAN(network.WLAN.IF_STA)
    wlan.active(True)
    if not wlan.isconnected():
        wlan.connect(values.get("wifi_ssid"), values.get("wifi_password"))
    for _ in range(10 * _JOIN_S):
        if wlan.isconnected():
            return
        time.sleep_ms(100)
    _end("wifi: not joined in %d s; see wifi_ssid and wifi_password" % _JOIN_S)


def _end(text):
    print(text)
    sys.exit(1)
