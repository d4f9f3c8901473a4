# What the examples have in common: the settings, the way into the Wi-Fi, and what ends a program.

import asyncio
import errno
import json
import sys
import time

import coap

try:
    import network
except ImportError:  # a PC is on the net already
    network = None  # type: ignore[assignment]

_JOIN_S = 20


def run(program):
    """Run a coroutine; what the network or the server ends it with is a sentence."""
    try:
        asyncio.run(program)
    except coap.ResponseError as error:
        end("the server says no: %s%s" % (error, ", see access_token" * (error.code == 0x81)))
    except coap.TransferError as error:
        end("the server says what nobody understands: %s" % error)
    except OSError as error:
        silent = error.args[0] == errno.ETIMEDOUT
        end("the server does not answer" if silent else "stopped: %s" % error)


def settings(*names, port=5683):
    """Read settings.json and join the Wi-Fi that it names; return what it has, a dict.

    names are further settings that the program cannot do without. port is the server's if the file
    has none. Ends the program with a sentence if that cannot be.
    """
    try:
        with open("settings.json") as file:
            values = json.load(file)
        values["server"] = values["server"].split("://")[-1]  # as the firmware takes it
    except OSError:
        end("settings.json: missing; copy one to where the program runs")
    except (ValueError, KeyError, TypeError, AttributeError):
        end('settings.json: expected {"server": "...", "access_token": "..."}')
    for name in names:
        if not values.get(name):
            end("settings.json: %s is missing" % name)
    values.setdefault("port", port)
    if network:
        _join(values)
    print("server %s port %d" % (values["server"], values["port"]))
    return values


def read(name, hint):
    """Return what a file has, in bytes. Ends the program with a sentence if there is none."""
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        end("%s: no such file; %s" % (name, hint))


def end(text):
    """Print a sentence and end the program."""
    print(text)
    sys.exit(1)


def _join(values):
    wlan = network.WLAN(network.WLAN.IF_STA)
    wlan.active(True)
    if not wlan.isconnected():
        wlan.connect(values.get("wifi_ssid"), values.get("wifi_password"))
    for _ in range(10 * _JOIN_S):
        if wlan.isconnected():
            return
        time.sleep_ms(100)
    end("wifi: not joined in %d s; see wifi_ssid and wifi_password" % _JOIN_S)
