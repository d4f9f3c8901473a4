# The UDP transport: one connected, non-blocking socket. The only file that knows sockets.

import socket
import sys

from micropython import const

# A datagram that fills this buffer may have been cut; ours and the server's stay below (a block and its options).
_BUFFER = const(1280)


class UDPTransport:
    """Datagrams to and from one host.

    recv() keeps their borders: read() and readinto() of MicroPython merge them.
    """

    # On ESP32 a socket that received an empty datagram hears nothing any more (ports/esp32/modsocket.c).
    deaf_after_empty = sys.platform == "esp32"

    def __init__(self, host, port):
        self.address = (host, port)
        self.socket = None

    def open(self):
        """Resolve the name and take a new socket, so a new source port; OSError if that fails. Blocks for the DNS."""
        info = socket.getaddrinfo(*self.address)[0]
        self.close()
        self.socket = socket.socket(info[0], socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(info[-1])

    def send(self, datagram):
        self.socket.send(datagram)

    def recv(self):
        """Return the next datagram: b"" for an empty one, None for one that was too long for us."""
        data = self.socket.recv(_BUFFER)
        return data if len(data) < _BUFFER else None

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None
