# The transport: datagrams to and from one host. This one is a connected, non-blocking UDP socket.
#
# The client knows no socket. Whatever has the following can stand in the place of UDPTransport:
#
#   pollable        what asyncio's poller waits on; it is ready while recv() has something.
#                   None before the first open(), after close(), and once the transport has died:
#                   the next request opens it again.
#   opened          how many source ports were taken so far.
#   open()          takes a new source port. Raises OSError; the old port is kept then.
#   send(datagram)  sends, or keeps a few datagrams until it can (a handshake is under way), or
#                   raises OSError: the datagram counts as lost. It does not wait.
#   recv()          returns the next datagram; b"" for one that is of no use; None if what came was
#                   the transport's own. Raises OSError: EAGAIN if nothing came.
#   handle_timeout(now)  does what is due (a handshake repeats its flight) and returns in how many
#                   milliseconds to call again: an hour at most. Raises nothing.
#   close()         gives the port back, if there is one.

import socket
import sys

from micropython import const

# A datagram that fills this buffer may have been cut; a block and its options stay below.
_BUFFER = const(1280)
_IDLE_MS = const(3600_000)


class UDPTransport:
    """Datagrams to and from one host; raises what its socket raises.

    recv() keeps their borders: read() and readinto() of MicroPython merge them.
    """

    # On ESP32 a socket that got an empty datagram hears no more (ports/esp32/modsocket.c).
    goes_deaf = sys.platform == "esp32"

    pollable = None  # the socket
    opened = 0

    def __init__(self, host, port):
        self.address = (host, port)

    def open(self):
        """Resolve the name and take a new socket, so a new source port. Raises OSError. Blocks."""
        info = socket.getaddrinfo(*self.address)[0]
        new = socket.socket(info[0], socket.SOCK_DGRAM)
        try:
            new.setblocking(False)
            new.connect(info[-1])
        except OSError:
            new.close()
            raise
        self.close()
        self.pollable = new
        self.send = new.send
        self.opened += 1

    def recv(self):
        """Return the next datagram; b"" for one that was cut, as for an empty one."""
        data = self.pollable.recv(_BUFFER)
        if not data and self.goes_deaf:
            self.open()
        return data if len(data) < _BUFFER else b""

    def handle_timeout(self, now):
        """Return an hour: nothing is ever due."""
        return _IDLE_MS

    def close(self):
        """Close the socket, if there is one."""
        if self.pollable:
            self.pollable.close()
            self.pollable = None
