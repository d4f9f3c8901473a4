# A server of a few lines on loopback, and a client at its other end.

import asyncio
import os
import socket

from coap.client import Client
from coap.message import Message, decode
from coap.udp import UDPTransport

ACK, RST = 2, 3


def free_port():
    # A port that nobody listens on just now; the unix port has no getsockname().
    while True:
        port = 32768 + int.from_bytes(os.urandom(2), "big") // 4
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            probe.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
            return port
        except OSError:
            pass
        finally:
            probe.close()


class Server:
    """Answers on loopback: handle(message) returns the datagrams (Messages or bytes) to send."""

    def __init__(self, port, handle, number="127.0.0.1"):
        self.number = number
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(socket.getaddrinfo(number, port)[0][-1])
        self.socket.setblocking(False)
        self.handle = handle
        self.got = []  # messages
        self.addresses = []
        self.task = asyncio.create_task(self.serve())

    async def serve(self):
        while True:
            try:
                data, self.address = self.socket.recvfrom(2048)
            except OSError:
                await asyncio.sleep_ms(2)
                continue
            message = decode(data)
            self.got.append(message)
            if self.address not in self.addresses:
                self.addresses.append(self.address)
            for answer in self.handle(message) or ():
                self.send(answer)

    def send(self, answer):
        if isinstance(answer, Message):
            answer = answer.encode()
        self.socket.sendto(answer, self.address)

    def close(self):
        self.task.cancel()
        self.socket.close()


def echo(message):
    # A piggybacked 2.05 with the request's payload; a ping's Reset.
    if message.type == ACK or message.type == RST:
        return ()
    if not message.code:
        return (Message(type=RST, message_id=message.message_id),)
    return (reply(message, message.payload),)


def reply(message, payload=b"", code=0x45, type=ACK, options=()):
    return Message(code, payload, options, type, message.token, message.message_id)


def scene(handle, test, transport=UDPTransport, **parameters):
    # Run test(client, server) with both ends open; the client gives up after 5 s at most.
    async def main():
        port = free_port()
        server = Server(port, handle)
        client = Client(transport("127.0.0.1", port), **parameters)
        try:
            await asyncio.wait_for(test(client, server), 5)
        finally:
            client.close()
            server.close()

    asyncio.run(main())


async def fails(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError("nothing was raised")
