# Memory that runs out in the endpoint: no outcome is lost, what was not taken may come again.

import errno

from coap.message import CON
from peer import ACK, Peer, notification


class Starved:
    """A list without memory for the first item."""

    def __init__(self):
        self.items = []
        self.failed = False

    def append(self, item):
        if not self.failed:
            self.failed = True
            raise MemoryError
        self.items.append(item)

    def pop(self, i):
        return self.items.pop(i)

    def __len__(self):
        return len(self.items)


def starved(peer, receive):
    peer.endpoint._events = Starved()
    try:
        receive()
    except MemoryError:
        return
    raise AssertionError("there was memory")


def test_a_message_without_memory_for_it_is_taken_when_it_comes_again():
    for observe in (None, True):
        peer = Peer()
        exchange, (request,) = peer.request(observe=observe)

        def receive():
            return peer.receive(type=CON, token=request.token, message_id=7, **notification(3))

        starved(peer, receive)
        assert peer.pump() == []  # not acknowledged
        (ack,) = receive()
        assert ack.type == ACK and ack.message_id == 7 and peer.outcome().code == 0x45
        assert peer.endpoint.duplicates == peer.endpoint.stale == 0


def test_an_end_without_memory_for_it_comes_later():
    peer = Peer()
    exchange, _ = peer.request(timeout_ms=1000)
    peer.now += 1000
    starved(peer, lambda: peer.endpoint.handle_timeout(peer.now))
    assert peer.endpoint.exchanges == [exchange]
    peer.endpoint.handle_timeout(peer.now)
    assert peer.outcome().args[0] == errno.ETIMEDOUT and peer.endpoint.exchanges == []
