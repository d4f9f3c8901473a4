"""A path with faults between our client and a foreign server on loopback."""

import asyncio
import functools
import socket
import threading
from collections.abc import Callable

from tests.interop.peers import TIMEOUT_S
from tools.tbsim.wire.link import Link


class Relay:
    """`with Relay(server.port) as relay:` passes datagrams on from relay.port, in a thread.

    relay.link says what happens to them on the way. A port of a client is another port for the
    server, too. meet(up, datagram), when it is set, is called with each datagram before the link
    gets it, which it does only if that returns true.
    """

    meet: Callable[[bool, bytes], bool] | None = None

    def __init__(self, port: int):
        self.target = ("127.0.0.1", port)
        self.link = Link()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.down = _bound()
        self.port = self.down.getsockname()[1]
        self.up: dict[tuple, socket.socket] = {}  # by the client's address
        self.loop.add_reader(self.down, self._from_client)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT_S)
        self.loop.close()
        for each in (self.down, *self.up.values()):
            each.close()

    def rebind(self) -> None:
        """Forget the ports: clients have others from their next datagram on. Of meet() only."""
        for each in self.up.values():
            self.loop.remove_reader(each)
            each.close()
        self.up.clear()

    def _from_client(self):
        data, client = self.down.recvfrom(4096)
        if self.meet and not self.meet(True, data):
            return
        if client not in self.up:
            self.up[client] = _bound()
            self.loop.add_reader(self.up[client], self._from_server, client)
        deliver = functools.partial(_send, self.up[client], data, self.target)
        self.link.carry(True, len(data), deliver, self.loop.call_later)

    def _from_server(self, client):
        try:
            data = self.up[client].recv(4096)
        except ConnectionError:  # what an earlier datagram met: the server is not there
            return
        if self.meet and not self.meet(False, data):
            return
        deliver = functools.partial(_send, self.down, data, client)
        self.link.carry(False, len(data), deliver, self.loop.call_later)


def _bound() -> socket.socket:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.setblocking(False)
    return s


def _send(s: socket.socket, data: bytes, address: tuple) -> None:
    try:
        s.sendto(data, address)
    except OSError:  # as good as lost on the way
        pass
