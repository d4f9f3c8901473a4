# The transport: datagrams to and from one host. This one is a connected, non-blocking UDP socket.
#
# The client knows no socket. Whatever has the following can stand in the place of UDPTransport:
#
#   pollable        what asyncio's poller waits on; it is ready while recv() has something. Another
#                   object for each port. None before the first open(), after close(), and once the
#                   transport has died: datagrams wait then, and the next request opens it again.
#   opened          how many source ports were taken so far.
#   await open()    looks the server's name up and takes a new source port. It blocks nothing. The
#                   old port works on until the new one is there: pollable, opened and send()
#                   change together, without an await between. Raises OSError or ValueError (the
#                   name is none); the old port is kept then. The client calls it once at a time.
#   send(datagram)  sends, or keeps a few datagrams until it can (a handshake is under way), or
#                   raises OSError: the datagram counts as lost. It does not wait.
#   recv()          returns the next datagram; b"" for one that is of no use; None if what came was
#                   the transport's own. Raises OSError: EAGAIN if nothing came.
#   handle_timeout(now)  does what is due (a handshake repeats its flight) and returns in how many
#                   milliseconds to call again: an hour at most. Raises nothing.
#   close()         gives the port back, if there is one.

import errno
import sys

from micropython import const

from .resolver import look_up, open_socket

# A datagram that fills this buffer may have been cut; a block and its options stay below.
_BUFFER = const(1280)
_IDLE_MS = const(3600_000)


class UDPTransport:
    """Datagrams to and from one host; raises what its socket raises.

    look_up(host) is a coroutine function that returns addresses, as resolver.look_up() does.
    recv() keeps the borders of datagrams: read() and readinto() of MicroPython merge them.
    """

    # On ESP32 a socket that got an empty datagram hears no more (ports/esp32/modsocket.c).
    goes_deaf = sys.platform == "esp32"

    pollable = None  # the socket
    opened = 0
    _number = ""  # the address in use

    def __init__(self, host, port, look_up=look_up):
        self.address = (host, port)
        self.look_up = look_up
        self._known = []  # the last addresses of the name, in an order that no DNS can change

    async def open(self):
        """Look the name up and take a new socket at its next address. Raises OSError, ValueError.

        While no DNS server helps, the last addresses are used.
        """
        try:
            self._known = sorted(await self.look_up(self.address[0]))
        except OSError:
            if not self._known:
                raise
        last = self._number
        numbers = [number for number in self._known if number > last]
        numbers += [number for number in self._known if number <= last]
        error = OSError(errno.ENOENT)
        for number in numbers:
            try:
                return self._take(number)
            except OSError as failure:
                error = failure
        raise error

    def recv(self):
        """Return the next datagram; b"" for one that was cut, as for an empty one."""
        data = self.pollable.recv(_BUFFER)
        if not data and self.goes_deaf:
            self._take(self._number)
        return data if len(data) < _BUFFER else b""

    def handle_timeout(self, now):
        """Return an hour: nothing is ever due."""
        return _IDLE_MS

    def close(self):
        """Close the socket, if there is one."""
        if self.pollable:
            self.pollable.close()
            self.pollable = None

    def _take(self, number):
        # Take a new socket. The address counts as tried even if that fails.
        self._number = number
        new = open_socket(number, self.address[1])
        self.close()
        self.pollable = new
        self.send = new.send
        self.opened += 1
