# The module `network` of the virtual board, and `getaddrinfo` for its `socket`. The chip and its
# habits are on the host (host/chip.py, host/network.py): every call asks there, and blocks as
# long as the host wants it to.

import builtins
import json
import socket as _socket

STA_IF = 0
AP_IF = 1

_stream = None
_number = 0


def begin(stream):
    """Called by the start code: where the host answers."""
    global _stream
    _stream = stream
    codes, power = _ask("constants")
    globals().update(codes)
    for name in power:
        setattr(WLAN, name, power[name])


def _ask(name, *words, **values):
    global _number
    _number += 1
    _stream.write(json.dumps((_number, name, words, values)) + "\n")
    number = 0
    while number != _number:  # one before was interrupted
        number, kind, value = json.loads(_stream.readline())
    if kind:
        raise getattr(builtins, kind)(*value)
    return tuple(value) if isinstance(value, list) and name != "constants" else value


def getaddrinfo(host, port, *more):
    """Return the host's port that stands for an address; one entry, as boards do."""
    door = _ask("getaddrinfo", host, port)
    return _socket.getaddrinfo("127.0.0.1", door)[:1] if door else []


def country(*code):
    return _ask("country", *code)


def hostname(*name):
    return _ask("hostname", *name)


def ipconfig(*what, **values):
    return _ask("ipconfig", *what, **values)


class WLAN:
    IF_STA = 0
    IF_AP = 1
    SEC_OPEN = 0

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("only the station here")

    def active(self, *on):
        return _ask("active", *on)

    def deinit(self):
        _ask("active", False)

    def connect(self, ssid=None, key=None, **more):
        _ask("connect", ssid, key)

    def disconnect(self):
        _ask("disconnect")

    def isconnected(self):
        return _ask("isconnected")

    def status(self, *what):
        return _ask("status", *what)

    def config(self, *what, **values):
        value = _ask("config", *what, **values)
        return bytes([int(part, 16) for part in value.split(":")]) if what == ("mac",) else value

    def ifconfig(self, *values):
        return _ask("ifconfig", *values)

    def ipconfig(self, *what, **values):
        return _ask("wlan_ipconfig", *what, **values)
