# Memory that runs out: counted or waited for, never the end of the client, nor of its sleep.

import asyncio
import os

import micropython
from coap.client import Client
from coap.endpoint import Endpoint
from coap.message import NON, Message
from coap.udp import UDPTransport
from scene import Server, echo, free_port


class Starved(UDPTransport):
    """Has no memory for the first datagrams that come."""

    failures = 3

    def recv(self):
        data = super().recv()
        if self.failures:
            self.failures -= 1
            raise MemoryError
        return data


def test_no_memory_for_a_datagram():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = Client(Starved("127.0.0.1", port), ack_timeout_ms=100)
        assert (await client.post("a", b"x")).payload == b"x"
        assert client.link_errors == 3
        client.close()
        server.close()

    asyncio.run(main())


def test_no_memory_for_a_repetition():
    async def main():
        port = free_port()
        client = Client(UDPTransport("127.0.0.1", port), ack_timeout_ms=100)
        task = asyncio.create_task(client.post("a", b"x"))
        await asyncio.sleep_ms(20)
        handle_timeout = client.endpoint.handle_timeout
        failures = [MemoryError(), MemoryError()]

        def starved(now):
            if failures:
                raise failures.pop()
            return handle_timeout(now)

        client.endpoint.handle_timeout = starved
        while failures:
            await asyncio.sleep_ms(20)
        server = Server(port, echo)
        assert (await task).payload == b"x"
        client.close()
        server.close()

    asyncio.run(main())


class StarvedPoller:
    """asyncio's poller without memory for the first sockets that are to be watched."""

    def __init__(self, poller):
        self.failures = 2
        self.poller = poller
        self.unregister = poller.unregister
        self.modify = poller.modify
        self.ipoll = poller.ipoll

    def register(self, stream, events):
        if self.failures:
            self.failures -= 1
            raise MemoryError
        self.poller.register(stream, events)


def test_no_memory_to_wait_for_a_datagram():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = Client(UDPTransport("127.0.0.1", port))
        queue = asyncio.core._io_queue
        poller = queue.poller
        queue.poller = StarvedPoller(poller)
        try:
            assert (await client.post("a", b"x")).payload == b"x"
            assert client.link_errors == 2
            assert (await client.post("a", b"y")).payload == b"y"
        finally:
            client.close()
            server.close()
            queue.poller = poller

    asyncio.run(main())


def test_no_memory_to_hand_out_an_answer():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = Client(UDPTransport("127.0.0.1", port))
        next_event = client.endpoint.next_event
        failures = [MemoryError(), MemoryError()]

        def starved():
            if failures and server.got:
                raise failures.pop()
            return next_event()

        client.endpoint.next_event = starved
        # The timer, which would sleep for an hour, looks again.
        answer = await asyncio.wait_for_ms(client.post("a", b"x"), 1000)
        assert answer.payload == b"x" and not failures
        client.close()
        server.close()

    asyncio.run(main())


def test_no_memory_to_send_a_request():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = Client(UDPTransport("127.0.0.1", port))
        next_datagram = client.endpoint.next_datagram
        failures = [MemoryError(), MemoryError()]

        def starved(now):
            if failures and client.endpoint.exchanges:
                raise failures.pop()
            return next_datagram(now)

        client.endpoint.next_datagram = starved
        # The exchange has begun, so the timer sends it, and nobody is told to begin it again.
        answer = await asyncio.wait_for_ms(client.post("a", b"x"), 1000)
        assert answer.payload == b"x" and len(server.got) == 1 and not failures
        client.close()
        server.close()

    asyncio.run(main())


def test_memory_that_runs_out_while_a_request_is_sent():
    # Each field that is new to an exchange may be the one for which its dict has to grow.
    for more in range(60):
        endpoint = Endpoint(os.urandom)
        exchange = endpoint.request(Message(1, type=NON), 0)
        for n in range(more):
            setattr(exchange, "other%d" % n, None)
        endpoint.serial = endpoint.message_id = 0  # these have their places
        datagram = None
        micropython.heap_lock()
        try:
            datagram = endpoint.next_datagram(1)
        except MemoryError:
            pass
        micropython.heap_unlock()
        endpoint.handle_timeout(2)
        assert datagram or endpoint.next_datagram(3)
        assert 0 < endpoint.handle_timeout(4) < 10_000
