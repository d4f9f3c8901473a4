# Both ends of an association over DTLS: what the transport hears of records of these sizes while
# memory has no piece of more than 200 bytes. Prints a JSON list: lengths, and null for nothing.
# Arguments: the server's certificate and key and who is trusted, all names of files.

import asyncio
import io
import json
import socket
import sys

import tls
from coap.dtls import DTLSTransport, Security
from scene import free_port

SIZES = (8, 127, 128, 129, 1000, 9)


class Scarce:
    """What is read from, on a board whose memory is in pieces."""

    def __init__(self, real):
        self.real = real

    def recv(self, size):
        if size > 200:
            raise MemoryError
        return self.real.recv(size)


class Wire(io.IOBase):
    """What Mbed TLS sees of the server's socket, which answers who spoke last."""

    def __init__(self, socket):
        self.socket = socket

    def readinto(self, buffer):
        try:
            data, self.peer = self.socket.recvfrom(len(buffer))
        except OSError:
            return None
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        return self.socket.sendto(bytes(data), self.peer)

    def ioctl(self, request, argument):
        return 0


async def accept(context, wire):
    while True:
        secure = context.wrap_socket(
            wire, server_side=True, do_handshake_on_connect=False, client_id=b"anybody"
        )
        try:
            while not secure.recv(1280):
                await asyncio.sleep_ms(1)
            return secure
        except OSError:  # a first hello gets a cookie, and comes again
            pass


async def main(*files):
    port = free_port()
    certificate, key, trusted = [open(name, "rb").read() for name in files]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    server.setblocking(False)
    context = tls.SSLContext(tls.PROTOCOL_DTLS_SERVER)
    context.load_cert_chain(certificate, key)
    accepting = asyncio.create_task(accept(context, Wire(server)))
    transport = DTLSTransport("127.0.0.1", port, Security(trusted))
    await transport.open()
    other = await accepting

    def heard():
        for size in SIZES:
            other.write(bytes(size))
        got = [transport.recv() for _ in range(len(SIZES) + 1)]
        return [None if data is None else len(data) for data in got]

    transport._secure = Scarce(transport._secure)
    result = [heard()]
    transport._wire.socket = Scarce(transport._wire.socket)
    print(json.dumps(result + [heard()]))


asyncio.run(main(*sys.argv[1:]))
