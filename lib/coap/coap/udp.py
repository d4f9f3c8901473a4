# The transport: datagrams to and from one host. This one is a connected, non-blocking UDP socket.
#
# The client knows no socket. Whatever has the following can stand in the place of UDPTransport:
#
#   pollable        what asyncio's poller waits on; it is ready while recv() has something. Another
#                   object for each port. None before the first open(), after close(), and once the
#                   transport has died: datagrams wait then, and the next request opens it again.
#   opened          how many source ports were taken so far.
#   block_up        how large a block of a request's body may be, at most.
#   await open()    looks the server's name up and takes a new source port. It blocks nothing. The
#                   old port works on until the new one is there: pollable, opened and send()
#                   change together, without an await between. Raises OSError; the old port is kept
#                   then. The client calls it again only when it has ended.
#   send(datagram)  sends, or keeps a few datagrams until it can (a handshake is under way), or
#                   raises OSError: the datagram counts as lost. It does not wait.
#   recv()          returns the next datagram; b"" for one that is of no use; None if what came was
#                   the transport's own. Raises OSError: EAGAIN if nothing came.
#   handle_timeout(now)  does what is due (a handshake repeats its flight) and returns in how many
#                   milliseconds to call again: an hour at most. Raises nothing.
#   close()         gives the port back, if there is one.

import errno
import socket
import sys

from micropython import const

# A datagram that fills this buffer may have been cut; a block and its options stay below.
_BUFFER = const(1280)
_SMALL = const(128)  # where memory is in pieces: an answer without a body, by which more gets free
_IDLE_MS = const(3600_000)
_NUMBERS = const(8)

_numbers = {}  # (number, port): what getaddrinfo() said


class UDPTransport:
    """Datagrams to and from one host; raises what its socket raises.

    look_up(name) is a coroutine function that returns addresses; None: resolver.look_up().
    recv() keeps the borders of datagrams: read() and readinto() of MicroPython merge them.
    """

    # On ESP32 a socket that got an empty datagram hears no more (ports/esp32/modsocket.c).
    goes_deaf = sys.platform == "esp32"

    pollable = None  # the socket
    opened = 0
    block_up = 1024
    _number = ""  # the address in use

    def __init__(self, host, port, look_up=None):
        if not (look_up or is_number(host)):
            from .resolver import look_up  # 3 KB of heap, which a number does without
        self.address = (host, port)
        self.look_up = look_up
        self._known = []  # the last addresses of the name, in an order that no DNS can change

    async def open(self):
        """Look the name up and take a new socket at its next address. Raises OSError.

        While no DNS server helps, the last addresses are used.
        """
        error = OSError(errno.ENOENT)
        for number in await self._numbers():
            try:
                return self._take(number)
            except OSError as failure:
                error = failure
        raise error

    def recv(self):
        """Return the next datagram; b"" for one that was cut, as for an empty one.

        Where memory has no piece for a large one the small ones are heard.
        """
        size = _BUFFER
        try:
            data = self.pollable.recv(size)
        except MemoryError:  # the datagram waits still
            size = _SMALL
            data = self.pollable.recv(size)
        if not data and self.goes_deaf:
            self._take(self._number)
        return data if len(data) < size else b""

    def handle_timeout(self, now):
        """Return an hour: nothing is ever due."""
        return _IDLE_MS

    def close(self):
        """Close the socket, if there is one."""
        if self.pollable:
            self.pollable.close()
            self.pollable = None

    async def _numbers(self):
        # The name's addresses, the one after the last that was tried first.
        host = self.address[0]
        try:
            self._known = [host] if is_number(host) else sorted(await self.look_up(host))
        except OSError:
            if not self._known:
                raise
        last = self._number
        numbers = [number for number in self._known if number > last]
        return numbers + [number for number in self._known if number <= last]

    def _take(self, number):
        # Take a new socket. The address counts as tried even if that fails.
        self._number = number
        new = open_socket(number, self.address[1])
        self.close()
        self.pollable = new
        self.send = new.send
        self.opened += 1


def is_number(host):
    """Whether a host is an IPv4 or IPv6 address, and not a name."""
    if host.count(":") > 1:
        return True
    parts = host.split(".")
    return len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts])


def open_socket(address, port, source_port=0):
    """Return a non-blocking UDP socket, connected to a number; source_port 0: any.

    getaddrinfo() blocks for names; it is asked for numbers only, and once for each.
    Raises OSError, and leaves no socket then.
    """
    key = (address, port)
    if key not in _numbers:
        if len(_numbers) >= _NUMBERS:
            _numbers.clear()
        _numbers[key] = socket.getaddrinfo(address, port)[0]
    info = _numbers[key]
    new = socket.socket(info[0], socket.SOCK_DGRAM)
    try:
        new.setblocking(False)
        if source_port:
            new.bind(("0.0.0.0", source_port))
        new.connect(info[-1])
    except Exception:
        new.close()
        raise
    return new
