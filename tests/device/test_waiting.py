# A socket is registered with asyncio's poller once: what allocates there must not fail.

import asyncio
import gc
import socket

from coap import waiting
from coap.client import Client
from coap.udp import UDPTransport
from scene import Server, echo, fails, free_port, scene


class Poller:
    """asyncio's poller, which notes who comes and goes."""

    def __init__(self, poller):
        self.modify = poller.modify
        self.ipoll = poller.ipoll
        self.poller = poller
        self.registered = []
        self.unregistered = []

    def register(self, stream, events):
        self.registered.append(stream)
        self.poller.register(stream, events)

    def unregister(self, stream):
        self.unregistered.append(stream)
        self.poller.unregister(stream)


def watched(test):
    # Run test(client, server, poller, queue) with the poller between.
    async def with_poller(client, server):
        queue = asyncio.core._io_queue
        real = queue.poller
        queue.poller = poller = Poller(real)
        try:
            await test(client, server, poller, queue)
        finally:
            client.close()
            queue.poller = real
            assert not queue.map

    scene(echo, with_poller)


def test_a_socket_is_registered_once():
    async def test(client, server, poller, queue):
        for n in range(30):
            assert (await client.post("a", b"%d" % n)).payload == b"%d" % n
        old = client.transport.pollable
        assert poller.registered == [old] and poller.unregistered == []
        client.reconnect()
        await asyncio.sleep_ms(10)
        await client.get("a")
        new = client.transport.pollable
        assert poller.registered == [old, new] and poller.unregistered == [old]
        client.close()
        assert poller.unregistered == [old, new]

    watched(test)


def test_others_sockets_come_and_go_as_ever():
    async def test(client, server, poller, queue):
        await client.get("a")
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port = free_port()
        other.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])

        async def read():
            yield queue.queue_read(other)
            return other.recv(10)

        for data in (b"x", b"y"):
            task = asyncio.create_task(read())
            await client.get("a")
            server.socket.sendto(data, socket.getaddrinfo("127.0.0.1", port)[0][-1])
            assert await task == data
        assert poller.unregistered == [other, other]
        task = asyncio.create_task(read())
        await asyncio.sleep_ms(5)
        task.cancel()
        await asyncio.sleep_ms(5)
        assert poller.unregistered == [other] * 3
        other.close()
        await client.get("a")

    watched(test)


def test_a_cancelled_wait_may_begin_again():
    async def test(client, server, poller, queue):
        mine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port = free_port()
        address = socket.getaddrinfo("127.0.0.1", port)[0][-1]
        mine.bind(address)

        async def read():
            yield waiting.wait(mine)
            return mine.recv(10)

        for _ in range(3):
            task = asyncio.create_task(read())
            await asyncio.sleep_ms(5)
            task.cancel()
            await asyncio.sleep_ms(5)
            assert task.done()
        server.socket.sendto(b"x", address)
        assert await read() == b"x"
        assert poller.registered == [mine] and poller.unregistered == []
        waiting.forget(mine)
        waiting.forget(mine)
        assert poller.unregistered == [mine]
        mine.close()

    watched(test)


class Short:
    """The module gc, with little memory for so many looks."""

    collect = gc.collect

    def __init__(self, looks):
        self.looks = looks

    def mem_free(self):
        self.looks -= 1
        return 1000 if self.looks >= 0 else 100_000


def test_without_memory_nothing_is_registered():
    async def test(client, server, poller, queue):
        waiting.gc = Short(3)
        try:
            task = asyncio.create_task(client.get("a"))
            await asyncio.sleep_ms(20)
            assert poller.registered == [] and not queue.map and client.link_errors == 1
            await task
            assert len(poller.registered) == 1 and client.link_errors == 3
        finally:
            waiting.gc = gc

    watched(test)


class Buggy(UDPTransport):
    """Raises what is in `bugs`: name of a method, exception."""

    bugs = ()

    def _bug(self, name):
        if self.bugs and self.bugs[0][0] == name:
            raise self.bugs.pop(0)[1]

    async def open(self):
        self._bug("open")
        await super().open()
        send = self.send

        def buggy(datagram):
            self._bug("send")
            send(datagram)

        self.send = buggy

    def recv(self):
        data = super().recv()
        self._bug("recv")
        return data

    def handle_timeout(self, now):
        self._bug("handle_timeout")
        return super().handle_timeout(now)


def test_no_exception_of_a_transport_ends_the_client():
    async def main():
        for name in ("recv", "send", "handle_timeout"):
            for error in (TypeError(), MemoryError(), OSError(5), RuntimeError(), IndexError()):
                port = free_port()
                server = Server(port, echo)
                client = Client(Buggy("127.0.0.1", port), ack_timeout_ms=100)
                told = []
                client.on_error = told.append
                await client.get("a")
                client.transport.bugs = [(name, error)]
                answer = await asyncio.wait_for(client.post("a", b"x"), 2)
                assert answer.payload == b"x" and client.transport.bugs == []
                assert client.link_errors == 1
                expected = [] if isinstance(error, (OSError, MemoryError)) else [error]
                assert told == expected, told
                client.close()
                server.close()

    asyncio.run(main())


def test_whatever_an_opening_raises_ends_the_requests():
    async def test(client, server):
        for error in (TypeError(), MemoryError(), OSError(5)):
            client.transport.bugs = [("open", error)]
            assert await asyncio.wait_for(fails(Exception, client.get("a")), 1) is error
            assert client.endpoint.exchanges == []
        assert (await client.post("a", b"x")).payload == b"x"

    scene(echo, test, Buggy)


class Stubborn:
    def receive(self, exchange, outcome):
        raise TypeError("a bug of a receiver")


def test_no_function_of_the_user_s_ends_the_client():
    async def test(client, server):
        told = []

        def raises():
            raise RuntimeError("a bug of the user's")

        def cannot_be_told(error):
            told.append(error)
            raise MemoryError

        client.on_open = raises
        client.on_error = cannot_be_told
        assert (await client.post("a", b"x")).payload == b"x"
        assert [type(error) for error in told] == [RuntimeError]
        message = server.got[0]
        message.token = b""
        client.start(message, 1000, Stubborn())
        await asyncio.sleep_ms(50)
        assert [type(error) for error in told] == [RuntimeError, TypeError]
        assert (await client.post("a", b"y")).payload == b"y"
        assert not client._timer.done() and not client._reader.done()

    scene(echo, test)
