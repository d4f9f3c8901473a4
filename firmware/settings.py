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
_FILE_MAX = const(4096)  # bytes
_DEPTH_MAX = const(8)  # of JSON; MicroPython's parser has a small stack

# name: (type, default, what is expected). A default of None: may be left out.
_SETTINGS = {
    "server": (str, None, "the server's name or address"),
    "port": (int, 5683, "a UDP port, 1 to 65535"),
    "wifi_ssid": (str, None, "the network's name"),
    "wifi_password": (str, "", "the network's password"),
    "wifi_security": (None, None, "a word like wpa2 or wpa3, or the port's number"),
    "wifi_country": (str, None, "two letters, like DE"),
    "wifi_address": (list, None, "four texts: address, netmask, gateway and DNS server"),
    "hostname": (str, None, "at most 32 letters, digits and hyphens"),
    "access_token": (str, None, "the device's access token"),
    "provision_key": (str, None, "the device profile's provisioning key"),
    "provision_secret": (str, None, "the device profile's provisioning secret"),
    "device_name": (str, None, "a name that is new to the server"),
    "interval": (int, 30, "seconds between measurements, 1 to 86400"),
    "keepalive": (int, 25, "seconds between signs of life, 0 (off) to 86400"),
    "watchdog": (int, 8, "seconds, 0 (off) to %d" % board.watchdog_max_s),
    "trial": (int, 1200, "seconds, 0 (for ever) to 86400"),
    "offline": (int, 1800, "seconds, 0 (for ever) to 21600"),
    "refused": (int, 86400, "seconds, 0 (for ever) to 2592000"),
    "led": (None, board.led, "a pin's name or number"),
}
_RANGES = {
    "port": (1, 65535),
    "interval": (1, 86400),
    "keepalive": (0, 86400),
    "watchdog": (0, board.watchdog_max_s),
    "trial": (0, 86400),
    "offline": (0, 21600),
    "refused": (0, 2592000),
}


class SettingsError(Exception):
    """A file of settings is wrong; the text names file, key and what is expected."""


def load():
    """Return the settings as a dict with every known name, "credentials", a dict as saved,
    and "keys", bytes.

    What its owner means plainly is taken: a number as text, blanks around a text, an address of
    the server like coap://host:port. Raises SettingsError.
    """
    given = _read(FILE)
    if given is None:
        raise SettingsError(FILE + ": missing")
    config = {name: default for name, (_, default, _) in _SETTINGS.items()}
    for name, value in given.items():
        if name not in _SETTINGS:
            known = ", ".join(sorted(_SETTINGS))
            raise SettingsError("%s: %s: unknown; known are %s" % (FILE, name, known))
        kind = _SETTINGS[name][0]
        if isinstance(value, str):
            value = value.strip()
            if kind is int and value.isdigit():
                value = int(value)
        if name == "server" and isinstance(value, str):
            value, port = _host(value)
            if port and "port" not in given:
                config["port"] = port
        if not _fits(name, kind, value):
            raise _expected(name)
        config[name] = value
    for name in _missing(config):
        raise _expected(name)
    try:
        config["credentials"] = _read(CREDENTIALS) or {}
    except SettingsError as error:
        print("%s; the device asks for new ones" % error)
        config["credentials"] = {}
    config["keys"] = keys = _content(KEYS) or b""
    if len(keys) % _KEY_BYTES or len(keys) > _KEYS_MAX * _KEY_BYTES:
        error = "%s: expected 1 to %d keys of %d bytes" % (KEYS, _KEYS_MAX, _KEY_BYTES)
        raise SettingsError(error)
    return config


def _expected(name):
    # Not the value: it may be a secret.
    return SettingsError("%s: %s: expected %s" % (FILE, name, _SETTINGS[name][2]))


def _host(text):
    # Return (host, port or None) of a server as people write it.
    scheme, found, rest = text.partition("://")
    if found:
        if scheme.lower() != "coap":
            raise SettingsError("%s: server: expected a name, or coap://name" % FILE)
        text = rest
    text = text.partition("/")[0]
    if text[:1] == "[":  # IPv6
        host, _, port = text[1:].partition("]")
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if port and not (port.isdigit() and 1 <= int(port) <= 65535) or " " in host:
        raise _expected("server")
    return host, int(port) if port else None


def _fits(name, kind, value):
    if name == "wifi_address":
        return isinstance(value, list) and len(value) == 4 and all([_is_ip(ip) for ip in value])
    if kind is None:
        return type(value) in (int, str) and value != ""
    if type(value) is not kind or value == "":  # type(): True is an int to isinstance()
        return False
    if name == "wifi_country":
        return len(value) == 2 and value.isalpha()
    if name == "hostname":
        rest = value.replace("-", "a")
        return len(value) <= 32 and rest[0] + rest[-1] == value[0] + value[-1] and _is_word(rest)
    low, high = _RANGES.get(name, (value, value))
    return low <= value <= high


def _is_word(text):
    # Letters and digits of ASCII; isalpha() of a board knows no others.
    return all([character.isalpha() or character.isdigit() for character in text])


def _is_ip(text):
    parts = text.split(".") if isinstance(text, str) else ()
    return len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts])


def _missing(given):
    # Names of what is needed but was not given.
    if not given["server"]:
        yield "server"
    if board.wifi_interface is not None and not given["wifi_ssid"]:
        yield "wifi_ssid"
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
    data = _content(name)
    if data is None:
        return None
    try:
        text = _text(data)
    except ValueError:
        raise SettingsError(name + ": expected UTF-8; save it so in the editor")
    try:
        _check_nesting(text)
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        cure = 'expected a JSON object, like {"a": 1}; is a comma, quote or brace missing?'
        raise SettingsError("%s: %s" % (name, cure))
    for key in value:
        if not isinstance(key, str):
            raise SettingsError("%s: %r: expected a name in quotes" % (name, key))
    return value


def _text(data):
    # As Windows editors save it: with a byte order mark, or in UTF-16.
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        low = data[0] & 1 ^ 1  # where the low byte of each pair is
        pairs = range(2, len(data) - 1, 2)
        return "".join([chr(data[i + low] | data[i + 1 - low] << 8) for i in pairs])
    return data.decode()


def _check_nesting(text):
    # Raises ValueError. MicroPython 1.25 takes JSON that was cut for whole.
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
            if depth > _DEPTH_MAX:
                raise ValueError
        elif character in "}]":
            depth -= 1
    if depth or quoted:
        raise ValueError


def _content(name):
    # None if there is no such file.
    try:
        size = os.stat(name)[6]
        if size > _FILE_MAX:
            raise SettingsError("%s: expected at most %d bytes" % (name, _FILE_MAX))
        with open(name, "rb") as f:
            return f.read()
    except OSError:
        return None
