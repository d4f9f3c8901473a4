# The settings of this device, written by its owner, and the credentials that the server gave it.

import json
import os

FILE = "settings.json"
CREDENTIALS = "credentials.json"

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
    "watchdog": (int, 8, "seconds, 0 (off) to 8"),
    "led": (None, "LED", "a pin's name or number"),
}
_RANGES = {
    "port": (1, 65535),
    "interval": (1, 86400),
    "keepalive": (0, 86400),
    "watchdog": (0, 8),
}


class SettingsError(Exception):
    """A file of settings is wrong; the text names file, key and what is expected."""


def load():
    """Return the settings as a dict with every known name, and "credentials", a dict as saved.

    Raises SettingsError.
    """
    given = _read(FILE)
    if given is None:
        raise SettingsError(FILE + ": missing")
    for name in sorted(given):
        if name not in _SETTINGS:
            known = ", ".join(sorted(_SETTINGS))
            raise SettingsError("%s: %s: unknown; known are %s" % (FILE, name, known))
    result = {}
    for name, (kind, default, expected) in _SETTINGS.items():
        value = given.get(name, default)
        if name in given and not _fits(name, kind, value):
            # Not the value: it may be a secret.
            raise SettingsError("%s: %s: expected %s" % (FILE, name, expected))
        result[name] = value
    for name in _missing(result):
        raise SettingsError("%s: %s: expected %s" % (FILE, name, _SETTINGS[name][2]))
    result["credentials"] = _read(CREDENTIALS) or {}
    return result


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


def save_credentials(values):
    """Keep a dict through power cuts: at any moment the old or the new one is on flash, whole."""
    temporary = CREDENTIALS + ".tmp"
    with open(temporary, "w") as f:
        json.dump(values, f)
    os.rename(temporary, CREDENTIALS)


def _read(name):
    try:
        with open(name) as f:
            values = json.load(f)
    except OSError:
        return None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SettingsError(name + ": expected a JSON object")
    return values
