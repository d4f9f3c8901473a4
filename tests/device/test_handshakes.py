# How often a transport begins a handshake, while somebody sees to it that each one fails.

import asyncio

import coap.dtls
from coap.dtls import DTLSTransport, HandshakeError
from scene import free_port


class Forged:
    """In the place of a Security: Mbed TLS that gets forged records, and a clock."""

    name = None
    now = 0  # seconds
    fails = True

    def __init__(self):
        self.context = self
        self.begun = []  # when a handshake did
        coap.dtls.ticks_ms = lambda: 1000 * self.now % (1 << 30)

    def wrap_socket(self, wire, **options):
        self.begun.append(self.now)
        if self.fails:
            raise OSError(-1, "an invalid record")
        return self

    def write(self, data):
        return len(data)


def told(transport):
    try:
        asyncio.run(transport.open())
    except HandshakeError as error:
        return error.args[1]


def test_handshakes_that_fail_become_seldom():
    forged = Forged()
    transport = DTLSTransport("127.0.0.1", free_port(), forged)
    for forged.now in range(130):
        assert told(transport) == "DTLS handshake: an invalid record"
    assert forged.begun == [0, 1, 3, 7, 15, 31, 63, 95, 127]
    transport.close()


def test_a_server_that_proved_itself_ends_the_waiting():
    forged = Forged()
    transport = DTLSTransport("127.0.0.1", free_port(), forged)
    for forged.now in range(10):
        told(transport)
    forged.fails = False
    for forged.now in range(10, 20):  # reconnected each second, once it may
        told(transport)
    assert forged.begun == [0, 1, 3, 7] + [15, 16, 17, 18, 19]
    forged.fails = True
    for forged.now in range(20, 24):
        told(transport)
    assert forged.begun[-3:] == [20, 21, 23]
    transport.close()


def test_ticks_that_wrapped_keep_nobody_out():
    forged = Forged()
    transport = DTLSTransport("127.0.0.1", free_port(), forged)
    told(transport)
    forged.now = 600_000  # a week, more than ticks can tell apart
    told(transport)
    assert forged.begun == [0, 600_000]
    transport.close()
