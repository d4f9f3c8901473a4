# The network of a virtual board: every call asks the access point on the host (wifi.py), and port
# 53 is that of the host's DNS server (dns.py). Their ports are put in for 0.

import socket
import sys
import time

_HOST = ("127.0.0.1", 0)
_DNS = ("127.0.0.1", 0)
_BLOCKS_S = 7  # as lwIP on a board, for each server that does not answer

STA_IF = 0
STAT_IDLE = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 3

_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
_socket.connect(socket.getaddrinfo(*_HOST)[0][-1])


def _ask(word):
    _socket.send(word)
    said = _socket.recv(16)
    if said == b"error":
        raise OSError(1)
    return said == b"1"


class Socket:
    """The module `socket` with port 53 elsewhere; a name blocks as it does on a board."""

    def __getattr__(self, name):
        return getattr(socket, name)

    def getaddrinfo(self, host, port, *more):
        if port == 53:
            return socket.getaddrinfo(*_DNS)
        if not host.replace(".", "").isdigit():
            time.sleep(_BLOCKS_S)
            raise OSError(-2)
        return socket.getaddrinfo(host, port, *more)


sys.modules["socket"] = Socket()


def country(code=None):
    return code or "XX"


def hostname(name=None):
    return name or "board"


def ipconfig(*names, **values):
    return "127.0.0.1"  # the DNS server


class WLAN:
    IF_STA = STA_IF
    PM_NONE = 0

    def __init__(self, id=STA_IF):
        pass

    def active(self, on=None):
        if on is not None:
            _ask(b"on" if on else b"off")
        return _ask(b"active")

    def deinit(self):
        _ask(b"off")

    def config(self, *names, **values):
        return 0

    def isconnected(self):
        return _ask(b"connected")

    def connect(self, ssid=None, key=None, **more):
        _ask(b"connect")

    def disconnect(self):
        _ask(b"disconnect")

    def status(self, *names):
        return STAT_GOT_IP if self.isconnected() else STAT_IDLE

    def ifconfig(self, *values):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, *names, **values):
        return ("127.0.0.1", "255.0.0.0")


_ask(b"start")
