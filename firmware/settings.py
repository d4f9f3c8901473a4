# The settings of this device, written by its owner, and the credentials that the server gave it.

import json
import os

from board import board
from micropython import const

FILE = "settings.json"
CREDENTIALS = "credentials.json"
KEYS = "update.keys"  # who may sign updates; without it there are none
# Of a key, as in abupdate/header.py. That is a part of the application, which is chosen later.
_KEY_BYTES = const(384)
_KEYS_MAX = const(4)

# name: (type, default, what is expected). A default of None: may be left out.
_SETTINGS = {
    "server": (str, None, "the server's name or address"),
    "port": (int, 5683, "a UDP port, 1 to 65535"),
    "wifi_ssid": (str, None, "the network's name"),
    "wifi_password": (str, "", "the network's password"),
    "access_token": (str, None, "the device's access token"),
    "provision_key": (str, None, "the device profile's provisioning key"),
    "provision_secret": (str, None, "the device profile's provisioning secret"),
    "device_name": (str, None, "a name that is new to the server"),
    "interval": (int, 30, "seconds between measurements, 1 to 86400"),
    "keepalive": (int, 25, "seconds between signs of life, 0 (off) to 86400"),
    "watchdog": (int, 8, "seconds, 0 (off) to %d" % board.watchdog_max_s),
    "trial": (int, 1200, "seconds, 0 (for ever) to 86400"),
    "offline": (int, 1800, "seconds, 0 (for ever) to 21600"),
    "led": (None, board.led, "a pin's name or number"),
}
_RANGES = {
    "port": (1, 65535),
    "interval": (1, 86400),
    "keepalive": (0, 86400),
    "watchdog": (0, board.watchdog_max_s),
    "trial": (0, 86400),
    "offline": (0, 21600),
}


class SettingsError(Exception):
    """A file of settings is wrong; the text names file, key and what is expected."""


def load():
    """Return the settings as a dict with every known name, "credentials", a dict as saved,
    and "keys", bytes.

    Raises SettingsError.
    """
    given = _read(FILE)
    if given is None:
        raise SettingsError(FILE + ": missing")
    for name in sorted(given):
        if name not in _SETTINGS:
            known = ", ".join(sorted(_SETTINGS))
            raise SettingsError("%s: %s: unknown; known are %s" % (FILE, name, known))
    config = {}
    for name, (kind, default, expected) in _SETTINGS.items():
        value = given.get(name, default)
        if name in given and not _fits(name, kind, value):
            # Not the value: it may be a secret.
            raise SettingsError("%s: %s: expected %s" % (FILE, name, expected))
        config[name] = value
    for name in _missing(config):
        raise SettingsError("%s: %s: expected %s" % (FILE, name, _SETTINGS[name][2]))
    config["credentials"] = _read(CREDENTIALS) or {}
    config["keys"] = keys = _content(KEYS) or b""
    if len(keys) % _KEY_BYTES or len(keys) > _KEYS_MAX * _KEY_BYTES:
        error = "%s: expected 1 to %d keys of %d bytes" % (KEYS, _KEYS_MAX, _KEY_BYTES)
        raise SettingsError(error)
    return config


def _fits(name, kind, value):
    if kind is None:
        return type(value) in (int, str)
    if type(value) is not kind or value == "":  # type(): True is an int to isinstance()
        return False
    low, high = _RANGES.get(name, (value, value))
    return low <= value <= high


def _missing(given):
    # Names of what is needed but was not given.
    if not given["server"]:
        yield "server"
    if not given["access_token"]:
        if not given["provision_key"]:
            yield "access_token"
        if not given["provision_secret"]:
            yield "provision_secret"


def save_credentials(credentials):
    """Keep a dict through power cuts: at any moment the old or the new one is on flash, whole."""
    temporary = CREDENTIALS + ".tmp"
    with open(temporary, "w") as f:
        json.dump(credentials, f)
    os.rename(temporary, CREDENTIALS)


def _read(name):
    text = _content(name)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError(name + ": expected a JSON object")
    return value


def _content(name):
    # None if there is no such file.
    try:
        with open(name, "rb") as f:
            return f.read()
    except OSError:
        return None
