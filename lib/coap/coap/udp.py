# The UDP transport: one connected, non-blocking socket. The only file that knows sockets.

import socket
import sys

from micropython import const

# A datagram that fills this buffer may have been cut; a block and its options stay below.
_BUFFER = const(1280)


class UDPTransport:
    """Datagrams to and from one host.

    recv() keeps their borders: read() and readinto() of MicroPython merge them.
    """

    # On ESP32 a socket that got an empty datagram hears no more (ports/esp32/modsocket.c).
    goes_deaf = sys.platform == "esp32"

    def __init__(self, host, port):
        self.address = (host, port)
        self.socket = None
        self.opened = 0  # source ports used so far

    def open(self):
        """Resolve the name and take a new socket, so a new source port. Raises OSError. Blocks."""
        info = socket.getaddrinfo(*self.address)[0]
        new = socket.socket(info[0], socket.SOCK_DGRAM)
        new.setblocking(False)
        new.connect(info[-1])
        self.close()
        self.socket = new
        self.send = new.send
        self.opened += 1

    def recv(self):
        """Return the next datagram; of one that was cut, as of an empty one, nothing."""
        data = self.socket.recv(_BUFFER)
        if not data and self.goes_deaf:
            self.open()
        return data if len(data) < _BUFFER else b""

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None
