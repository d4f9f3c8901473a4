# Nothing in the endpoint grows with what a peer sends or does not answer.

import errno

from coap.message import CON, GET, NON, POST, Message
from fakes import raised
from peer import ACK, Peer, notification


def refused(peer, message):
    error = raised(OSError, peer.endpoint.request, message, peer.now)
    return error and error.args[0] == errno.ENOBUFS


def test_the_number_of_exchanges_is_bounded():
    peer = Peer()
    for _ in range(64):
        last, _ = peer.request()
    assert refused(peer, Message(POST, b"x"))
    assert len(peer.endpoint.exchanges) == 64
    peer.endpoint.cancel(last)
    assert not refused(peer, Message(POST, b"x"))


def test_the_bytes_of_exchanges_are_bounded():
    peer = Peer()
    taken = 0
    while not refused(peer, Message(POST, b"x" * 1000)):
        taken += 1
    assert 10 < taken <= 16
    assert not refused(peer, Message(POST, b"x"))  # a small one still fits


def test_replies_are_bounded():
    peer = Peer()
    datagram = Message(0x45, b"", (), CON, b"nope", 1).encode()
    for n in range(200):
        datagram[3] = n
        peer.endpoint.receive_datagram(bytes(datagram), peer.now)
    assert len(peer.pump()) == 16 and peer.endpoint.unexpected == 200


def test_notifications_that_nobody_takes_are_bounded_and_come_again():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=False)
    acknowledged = 0
    for n in range(40):
        told = notification(n, b"%d" % n)
        acknowledged += len(peer.receive(type=CON, token=request.token, message_id=n, **told))
    assert acknowledged == len(peer.events()) == 16
    # The server repeats what was not acknowledged.
    (ack,) = peer.receive(type=CON, token=request.token, message_id=16, **notification(16, b"16"))
    assert ack.type == ACK and peer.outcome().payload == b"16"


def test_a_flood_leaves_nothing_behind():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=False)
    for n in range(500):
        for type in (CON, NON):
            message = Message(0x45, b"x" * 50, [(6, b"\1")], type, b"evil", n)
            peer.endpoint.receive_datagram(bytes(message.encode()), peer.now)
            peer.endpoint.next_datagram(peer.now)
    assert peer.endpoint.exchanges == [exchange] and peer.events() == []
    assert peer.endpoint._past == [] and len(peer.endpoint._seen) == 16
