# Memory that runs out: counted or waited for, never the end of the client.

import asyncio

from coap.client import Client
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
