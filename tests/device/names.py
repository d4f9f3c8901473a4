# A DNS server of a few lines on loopback.

import asyncio
import os
import socket

from coap import dns, resolver
from scene import free_port


def sockets():
    return len(os.listdir("/proc/self/fd"))


class DNS:
    """Answers for names: {name: [IPv4 address, ...]}; what is not there does not exist.

    `with DNS(names) as server:` puts it in the place of the system's servers. code: of all
    answers; silent: none; delay_ms: before each; before(query): datagrams to send before each.
    """

    code = 0
    silent = False
    delay_ms = 0

    def __init__(self, names=None, others=()):
        self.names = names or {}
        self.others = others  # more servers, asked before it
        self.asked = []  # (name, type)
        self.under_way = self.most_under_way = 0
        self.before = lambda query: ()

    def __enter__(self):
        self.port = free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(socket.getaddrinfo("127.0.0.1", self.port)[0][-1])
        self.socket.setblocking(False)
        self.task = asyncio.create_task(self.serve())
        self.real = resolver.servers
        known = [other.address() for other in self.others] + [self.address()]
        resolver.servers = lambda: known
        return self

    def __exit__(self, *_):
        resolver.servers = self.real
        self.task.cancel()
        self.socket.close()

    def address(self):
        return ("127.0.0.1", self.port)

    async def serve(self):
        while True:
            try:
                query, address = self.socket.recvfrom(512)
            except OSError:
                await asyncio.sleep_ms(2)
                continue
            asyncio.create_task(self.answer(query, address))

    async def answer(self, query, address):
        labels = []
        at = 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels)
        self.asked.append((name, query[at + 2]))
        if self.silent:
            return
        if query[at + 2] == dns.A:
            self.under_way += 1
            self.most_under_way = max(self.under_way, self.most_under_way)
        await asyncio.sleep_ms(self.delay_ms)
        if query[at + 2] == dns.A:
            self.under_way -= 1
        for datagram in self.before(query):
            self.socket.sendto(datagram, address)
        self.socket.sendto(self.reply(query, name, query[at + 2]), address)

    def reply(self, query, name, type):
        numbers = self.names.get(name, ()) if type == dns.A else ()
        code = self.code or (0 if name in self.names else 3)
        counts = bytes((0, 1, 0, len(numbers), 0, 0, 0, 0))
        data = query[:2] + bytes((0x81, 0x80 | code)) + counts + query[12:]
        for number in numbers:
            data += b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + bytes([int(n) for n in number.split(".")])
        return data
