# The settings of this device, written by its owner, and the credentials that the server gave it.
# Read once a start; main.py then frees the memory of this module.

import json
import os

from board import board
from micropython import const

FILE = "settings.json"
FOLDER = ""  # where the files are that it names
CREDENTIALS = "credentials.json"  # written by app/identity.py
KEYS = "update.keys"  # who may sign updates; without it there are none
# Of a key, as in abupdate/header.py. That is a part of the application, which is chosen later.
_KEY_BYTES = const(384)
_KEYS_MAX = const(4)

_FILE_MAX = const(4096)  # bytes; JSON takes several times as much while it is read
_DEPTH_MAX = const(8)  # the JSON reader recurses on some boards
_TOKEN_MAX = const(255)  # bytes: a segment of a path (RFC 7252 table 4)
_NAME_MAX = const(64)  # characters
_PORT = const(5683)
_JOURNAL = const(64)  # KB of flash, where a board that sleeps has no other figure
_SECURE_PORT = const(5684)
_DER = const(0x30)  # with an ASN.1 SEQUENCE begin keys and certificates
_EC = const(b"\x2a\x86\x48\xce\x3d")  # 1.2.840.10045, in most EC keys (RFC 5480)
_SEC1 = const(b"\x02\x01\x01\x04")  # the head of others (RFC 5915)
_INTEGER = const(0x02)  # a key begins with its version, a certificate with what is signed
_POINT = const(b"\x03\x42\x00\x04")  # before a public key on P-256, 64 bytes


def _pin(value):
    return type(value) in (int, str)


def _token(value):
    return type(value) is str and len(value.encode()) <= _TOKEN_MAX


def _format(value):
    return value in ("json", "protobuf")


def _country(value):
    return type(value) is str and len(value) == 2 and value.isalpha()


def _file_name(value):
    return type(value) is str and len(value) <= _NAME_MAX and "/" not in value


def _label(value):
    if type(value) is not str or len(value) > 32 or value[0] == "-" or value[-1] == "-":
        return False
    return all(c == "-" or c.isdigit() or "a" <= c.lower() <= "z" for c in value)


def _addresses(value):
    return type(value) is list and len(value) == 4 and all(_is_ipv4(text) for text in value)


def _is_ipv4(text):
    parts = text.split(".") if type(text) is str else ()
    return len(parts) == 4 and all(
        len(part) < 4 and part.isdigit() and int(part) < 256 for part in parts
    )


# name: (str, a range or a check, default, what is expected). A default of None: may be left out.
_SETTINGS = {
    "server": (str, None, "the server's name or address"),
    "port": ((1, 65535), None, "a UDP port, 1 to 65535"),
    "trusted": (_file_name, None, "the name of a file in DER, the certificate of a CA"),
    "server_name": (str, None, "the name in the server's certificate"),
    "certificate": (_file_name, None, "the name of a file in DER, this device's certificate"),
    "key": (_file_name, None, "the name of a file in DER, the key of the certificate"),
    "time_port": ((0, 65535), _PORT, "a UDP port, or 0 (off)"),
    "wifi_ssid": (str, None, "the network's name"),
    "wifi_password": (str, "", "the network's password"),
    "wifi_country": (_country, None, "two letters, such as DE"),
    "wifi_security": (_pin, None, "a word or a number"),
    "wifi_address": (_addresses, None, "[address, netmask, gateway, DNS server], IPv4 as text"),
    "hostname": (_label, None, "1 to 32 letters, digits and inner hyphens"),
    "access_token": (_token, None, "the device's access token, text of 1 to 255 bytes"),
    "provision_key": (str, None, "the device profile's provisioning key"),
    "provision_secret": (str, None, "the device profile's provisioning secret"),
    "device_name": (str, None, "a name that is new to the server"),
    "payload": (_format, "json", "json or protobuf"),
    "interval": ((1, 86400), 30, "seconds between measurements, 1 to 86400"),
    "keepalive": ((0, 86400), 25, "seconds between signs of life, 0 (off) to 86400"),
    "watchdog": (
        (0, board.watchdog_max_s),
        8,
        "seconds, 0 (off) to %d" % board.watchdog_max_s,
    ),
    "trial": ((0, 86400), 1200, "seconds, 0 (for ever) to 86400"),
    "offline": ((0, 21600), 1800, "seconds, 0 (for ever) to 21600"),
    "refused": ((0, 31536000), 86400, "seconds, 0 (for ever) to 31536000"),
    "journal": ((0, 4096), None, "KB of flash, 0 (off) to 4096"),
    "journal_records": ((1, 1000), 10, "records, 1 to 1000"),
    "journal_seconds": ((0, 86400), 10, "seconds, 0 to 86400"),
    "report_every": ((0, 1000), 0, "measurements, 0 (never sleeps) to 1000"),
    "listen": ((0, 3600), 2, "seconds, 0 to 3600"),
    "led": (_pin, board.led, "a pin's name or number"),
}


_MISSING = "%s: %s: missing; %s"  # file, name, cure


class SettingsError(Exception):
    """A file of settings is wrong; the text names file, key and what is expected."""


def load():
    """Return the settings as a dict with every known name, "credentials", a dict as saved,
    "keys", bytes, and "notes", lines for a person about what was passed over. With "trusted" the
    server is spoken to over DTLS.

    Raises SettingsError.
    """
    given = _read(FILE)
    if given is None:
        raise SettingsError(FILE + ": missing; copy one to the board's root folder")
    for name in given:
        if name not in _SETTINGS:
            known = ", ".join(sorted(_SETTINGS))
            shown = " ".join(str(name)[:40].split())
            raise SettingsError("%s: %s: unknown; known are %s" % (FILE, shown, known))
    config = {}
    for name, (kind, default, expected) in _SETTINGS.items():
        value = given.get(name)
        if type(value) is str:
            value = value.strip()
        if value is None or value == "":
            value = default
        else:
            value = _fitting(kind, value)
            if value is None:
                raise _wrong(name, expected)
        config[name] = value
    for name, cure in _missing(config):
        raise SettingsError(_MISSING % (FILE, name, cure))
    if config["journal"] is None:
        config["journal"] = board.journal or _JOURNAL * (config["report_every"] > 0)
    if config["report_every"] and not config["journal"]:
        raise _wrong("journal", "1 KB or more with report_every: RAM is lost in deep sleep")
    scheme, config["server"], port = _split(config["server"])
    if config["trusted"] and scheme == "coap":
        raise _wrong("server", "coaps:// with trusted, or neither")
    if scheme == "coaps" and not config["trusted"]:
        raise SettingsError(_MISSING % (FILE, "trusted", "coaps wants the certificate of a CA"))
    usual = _SECURE_PORT if config["trusted"] else _PORT
    config["port"] = config["port"] or port or usual
    certificate = None
    for name in ("trusted", "certificate", "key"):
        if config[name]:
            content = _checked_der(name, config[name])
            if name == "key" and not _fits(content, certificate):
                text = "%s: key: %s is not the key of %s"
                raise SettingsError(text % (FILE, config["key"], config["certificate"]))
            certificate = content
    config["notes"] = []
    try:
        config["credentials"] = _read(CREDENTIALS) or {}
    except SettingsError as error:
        # The device can get others; it would stand still for ever otherwise.
        config["credentials"] = {}
        damage = str(error).partition(";")[0]  # the cure is for what a person wrote
        config["notes"].append(damage + "; passed over")
    config["keys"] = keys = _content(KEYS, _KEYS_MAX * _KEY_BYTES) or b""
    if len(keys) % _KEY_BYTES:
        raise _wrong_keys()
    return config


def _checked_der(name, file):
    # The content of a file. What it says only the cryptography knows, later.
    content = _content(FOLDER + file, _FILE_MAX, "%s: %s: " % (FILE, name))
    if not content:
        raise SettingsError("%s: %s: %s is missing or empty; copy it" % (FILE, name, file))
    if content[0] != _DER:
        kind = "PEM" if content[:5] == b"-----" else "something else"
        raise SettingsError("%s: %s: %s is no DER but %s" % (FILE, name, file, kind))
    extra = content[1] & 127 if len(content) > 1 and content[1] > 127 else 0  # bytes of its length
    size = int.from_bytes(content[2 : 2 + extra] if extra else content[1:2], "big")
    body = content[2 + extra :]
    if not body or len(body) < size:
        raise SettingsError("%s: %s: %s is cut off; copy it again, whole" % (FILE, name, file))
    if (body[0] == _INTEGER) != (name == "key"):
        kind = "key, or one with a password" if name == "key" else "certificate"
        raise SettingsError("%s: %s: %s is no %s" % (FILE, name, file, kind))
    if name == "key" and not (_EC in content or _SEC1 in content[:8]):
        # Half a minute of an RP2040, in one piece, takes a handshake with RSA.
        raise SettingsError("%s: %s: %s is no EC key, as boards want" % (FILE, name, file))
    return content


def _fits(key, certificate):
    # A key that does not say its public half may fit.
    at = key.find(_POINT)
    return at < 0 or key[at : at + len(_POINT) + 64] in certificate


def _wrong(name, expected):
    # Not the value: it may be a secret.
    return SettingsError("%s: %s: expected %s" % (FILE, name, expected))


def _wrong_keys():
    error = "%s: expected 1 to %d keys of %d bytes" % (KEYS, _KEYS_MAX, _KEY_BYTES)
    return SettingsError(error)


def _fitting(kind, value):
    # The value as the application takes it; None if it does not fit.
    if type(kind) is tuple:
        low, high = kind
        if type(value) is str and len(value) < 10 and value.isdigit():
            value = int(value)
        fits = type(value) is int and low <= value <= high  # type(): True is an int otherwise
    elif kind is str:
        fits = type(value) is str
    else:
        fits = kind(value)
    return value if fits else None


def _split(server):
    # "coap://host:port/" as its parts, None for those it has not; an IPv6 address may be bare.
    scheme, mark, host = server.partition("://")
    scheme = scheme.lower()
    if not mark:
        scheme, host = None, server
    elif scheme not in ("coap", "coaps"):
        raise _wrong("server", "coap://name:port or coaps://name:port; others are not spoken")
    if host.endswith("/"):
        host = host[:-1]
    port = ""
    if host.startswith("["):
        host, mark, port = host[1:].partition("]")
        if not mark or port and port[0] != ":":
            host = ""
        port = port[1:]
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if not host or "/" in host or " " in host:
        raise _wrong("server", "a name, an address or coap://name:port")
    if not port:
        return scheme, host, None
    number = _fitting(_SETTINGS["port"][0], port)
    if number is None:
        raise _wrong("server", "after the colon a UDP port, 1 to 65535")
    return scheme, host, number


def _missing(given):
    # (name, cure) of what is needed but was not given.
    if not given["server"]:
        yield "server", "give the server's name or address"
    if board.wifi_interface is not None and not given["wifi_ssid"]:
        yield "wifi_ssid", "give the network's name"
    key = given["provision_key"]
    secret = given["provision_secret"]
    if given["certificate"] or given["key"] or given["server_name"]:
        if not given["trusted"]:
            yield "trusted", "name the certificate of the server's CA"
    if given["certificate"] and not given["key"]:
        yield "key", "it goes with certificate"
    if given["key"] and not given["certificate"]:
        yield "certificate", "it goes with key"
    if given["access_token"] or given["certificate"] and not (key or secret) or key and secret:
        return
    if key:
        yield "provision_secret", "it goes with provision_key"
    if secret:
        yield "provision_key", "it goes with provision_secret"
    yield "access_token", "give it, or both provision_key and provision_secret"


def _read(name):
    content = _content(name, _FILE_MAX)
    if content is None:
        return None
    try:
        text = _text(content)
    except ValueError:
        text = "\0"
    value = None
    fault = _fault(text)
    if not fault:
        try:
            value = json.loads(text)
            if not isinstance(value, dict):
                words = "a list" if isinstance(value, list) else "a single value"
                fault = words + '; expected an object, {"name": value, ...}'
        except (ValueError, TypeError):  # a list as a key is a TypeError
            fault = "no JSON; names and texts stand in double quotes, commas between the entries"
    if fault:
        raise SettingsError("%s: %s" % (name, fault))
    return value


def _text(content):
    # Windows' editors save with a byte order mark, and some as UTF-16.
    if content[:3] == b"\xef\xbb\xbf":
        content = content[3:]
    mark = content[:2]
    if mark not in (b"\xff\xfe", b"\xfe\xff"):
        return str(content, "utf-8")
    low = 0 if mark == b"\xff\xfe" else 1
    pairs = range(2, len(content) - 1, 2)
    codes = [content[i + low] | content[i + 1 - low] << 8 for i in pairs]
    if any(0xD800 <= code < 0xE000 for code in codes):
        raise ValueError("surrogates")
    return "".join([chr(code) for code in codes])


def _fault(text):
    # What is wrong at first sight, and the cure. MicroPython takes what was cut for whole.
    if "\0" in text:
        return "not in UTF-8; save it as UTF-8 text"
    if not text.strip():
        return "empty; copy it again, whole"
    depth = 0
    quoted = escaped = False
    for c in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "{[":
            depth += 1
            if depth > _DEPTH_MAX:
                return "brackets in more than %d levels; no setting has so many" % _DEPTH_MAX
        elif c in "}]":
            depth -= 1
            if depth < 0:
                return "a bracket is closed that was never opened; remove it"
    return "cut off; copy it again, whole" if depth or quoted else None


def _content(name, most, named_by=""):
    # None if there is no such file.
    try:
        size = os.stat(name)[6]
        if size <= most:
            with open(name, "rb") as f:
                return f.read()
    except OSError:
        return None
    if name == KEYS:
        raise _wrong_keys()
    raise SettingsError("%s%s: larger than %d bytes; shorten it" % (named_by, name, most))
