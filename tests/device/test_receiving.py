# What a transport hears while memory is scarce.

import socket

from coap.udp import UDPTransport
from scene import free_port


class Scarce:
    """A socket of a board whose memory has no piece of more than 200 bytes."""

    def __init__(self, real):
        self.real = real
        self.send = real.send
        self.close = real.close

    def recv(self, size):
        if size > 200:
            raise MemoryError
        return self.real.recv(size)


def test_small_datagrams_are_heard_while_memory_is_in_pieces():
    real = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port = free_port()
    real.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    other.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    transport = UDPTransport("127.0.0.1", port)
    transport.pollable = Scarce(real)
    for size in (8, 127, 128, 1000, 9):
        other.send(bytes(size))
    assert [len(transport.recv()) for _ in range(5)] == [8, 127, 0, 0, 9]
    real.close()
    other.close()
