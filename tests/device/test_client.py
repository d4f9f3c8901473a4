# The asyncio client over real sockets, against a server that each test scripts.

import asyncio
import errno
import io
import os
import socket
import sys

import coap
from coap.client import Client
from coap.message import Message, option_uint
from coap.udp import UDPTransport
from scene import ACK, RST, Server, echo, fails, free_port, reply, scene

BLOCK2 = 23


def test_verbs_and_uri():
    async def test(client, server):
        for code, verb in enumerate(
            (client.get, client.post, client.put, client.delete, client.fetch), 1
        ):
            response = await verb("a/b", payload=b"body", query=("x=1", "y=2"))
            assert response.payload == b"body"
            request = server.got[-1]
            assert request.code == code
            assert request.options == [
                (11, b"a"),
                (11, b"b"),
                (15, b"x=1"),
                (15, b"y=2"),
            ]
        await client.get(("one/segment", "ä"))
        assert server.got[-1].options == [(11, b"one/segment"), (11, "ä".encode())]
        await client.ping()

    scene(echo, test)


def test_what_the_protocol_has_no_room_for_is_refused_before_it_is_sent():
    async def test(client, server):
        longest = "x" * 255  # bytes of a Uri-Path or a Uri-Query (RFC 7252 table 4)
        await client.get(longest, query=(longest,))
        for path, query in ((longest + "x", ()), ("a", (longest + "x",)), ("ä" * 128, ())):
            try:
                await client.get(path, query=query)
                raise RuntimeError("it was sent")
            except ValueError as error:
                assert "255" in str(error) and "xx" not in str(error)
        assert len(server.got) == 1

    scene(echo, test)


def test_payload_is_any_buffer():
    async def test(client, server):
        for payload in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4]):
            assert (await client.post("a", payload)).payload == b"abc"

    scene(echo, test)


def test_errors_of_the_server():
    async def test(client, server):
        error = await fails(coap.ResponseError, client.get("a"))
        assert error.code == 0x84 and error.payload == b"no"
        assert str(error) == "4.04"
        text = io.StringIO()
        sys.print_exception(error, text)
        assert text.getvalue().endswith("ResponseError: 4.04\n")

    scene(lambda m: (reply(m, b"no", 0x84),), test)


def test_reset():
    async def test(client, server):
        error = await fails(coap.ResetError, client.get("a"))
        assert error.errno == errno.ECONNRESET

    scene(lambda m: (Message(type=RST, message_id=m.message_id),), test)


def test_silence():
    async def test(client, server):
        error = await fails(OSError, client.get("a", timeout_ms=300))
        assert error.errno == errno.ETIMEDOUT
        assert client.endpoint.exchanges == []

    scene(lambda m: (), test)


def test_wrong_calls():
    async def test(client, server):
        await fails(ValueError, client.get("a", options=((70000, b""),)))
        for call in (client.get, client.post, client.observe, coap.connect):
            try:
                call("a", unknown=1)
            except TypeError:
                pass
            else:
                raise AssertionError("taken")
        assert server.got == []

    scene(echo, test)


def test_many_at_once():
    async def test(client, server):
        results = await asyncio.gather(*[client.post("a", b"%d" % n) for n in range(20)])
        assert [r.payload for r in results] == [b"%d" % n for n in range(20)]

    scene(echo, test)


def test_a_cancelled_request_is_forgotten():
    async def test(client, server):
        task = asyncio.create_task(client.get("a"))
        await asyncio.sleep_ms(50)
        task.cancel()
        await asyncio.sleep_ms(10)
        assert client.endpoint.exchanges == []

    scene(lambda m: (), test)


def test_noise_does_no_harm():
    def noise(message):
        if message.code:
            return (b"", b"\xff" * 50, b"\x40", bytes(1500)) + echo(message)

    async def test(client, server):
        for n in range(3):
            assert (await client.post("a", b"%d" % n)).payload == b"%d" % n
        assert client.endpoint.malformed >= 8
        assert client.transport.opened == 1

    scene(noise, test)


def test_a_function_hears_of_each_new_source_port():
    async def test(client, server):
        opened = []
        client.on_open = lambda: opened.append(client.transport.opened)
        await client.get("a")
        await client.get("a")
        assert opened == [1]
        client.reconnect()
        await asyncio.sleep_ms(10)
        assert opened == [1, 2]
        await client.get("a")
        client.transport.goes_deaf = True
        server.send(b"")
        await asyncio.sleep_ms(50)
        assert opened == [1, 2, 3]

    scene(echo, test)


def test_on_open_may_make_a_request():
    async def test(client, server):
        tasks = []
        client.on_open = lambda: tasks.append(client.observe("b"))
        assert (await client.post("a", b"x")).payload == b"x"
        await asyncio.sleep_ms(20)
        assert sorted([m.options[-1][1] for m in server.got]) == [b"a", b"b"]
        assert len(tasks) == 1

    scene(echo, test)


def test_a_connect_that_fails_leaves_no_socket_behind():
    async def main():
        transport = UDPTransport("255.255.255.255", 5683)  # forbidden without SO_BROADCAST
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            error = await fails(OSError, transport.open())
            assert error.errno == errno.EACCES
        assert len(os.listdir("/proc/self/fd")) == before
        assert transport.pollable is None and transport.opened == 0

    asyncio.run(main())


def test_connect():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = await coap.connect("127.0.0.1", port, ack_timeout_ms=100, window_limit=2)
        assert client.window_limit == client.endpoint.window_limit == 2
        assert client.transport.opened == 0  # the first request opens the socket
        assert (await client.get("a")).code == 0x45
        client.close()
        server.close()

    asyncio.run(main())


def test_an_esp32_takes_a_new_socket_after_an_empty_datagram():
    async def test(client, server):
        client.transport.goes_deaf = True
        await client.post("a", b"1")
        server.send(b"")
        await asyncio.sleep_ms(50)
        assert client.transport.opened == 2
        assert (await client.post("a", b"2")).payload == b"2"
        assert len(server.addresses) == 2

    scene(echo, test)


def test_answers_from_elsewhere_are_not_accepted():
    async def test(client, server):
        task = asyncio.create_task(client.get("a", timeout_ms=500))
        while not server.got:
            await asyncio.sleep_ms(5)
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.sendto(reply(server.got[0], b"forged").encode(), server.address)
        stranger.close()
        error = await fails(OSError, task)
        assert error.errno == errno.ETIMEDOUT

    scene(lambda m: (), test)


def test_a_server_that_comes_late():
    async def main():
        port = free_port()
        client = await coap.connect("127.0.0.1", port, ack_timeout_ms=200)
        task = asyncio.create_task(client.post("a", b"x", timeout_ms=4000))
        await asyncio.sleep_ms(500)  # refused by ICMP meanwhile
        server = Server(port, echo)
        assert (await task).payload == b"x"
        assert client.endpoint.retransmissions > 0 and client.link_errors > 0
        client.close()
        server.close()

    asyncio.run(main())


def test_a_name_that_does_not_resolve():
    async def main():
        answers = [OSError(errno.ENOENT), OSError(errno.ETIMEDOUT), ["127.0.0.1"]]

        async def look_up(host):
            assert host == "no-such-host.invalid"
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        port = free_port()
        server = Server(port, echo)
        client = await coap.connect("no-such-host.invalid", port, look_up=look_up)
        for code in (errno.ENOENT, errno.ETIMEDOUT):
            tasks = [asyncio.create_task(client.get("a")) for _ in range(3)]
            for task in tasks:
                error = await asyncio.wait_for(fails(OSError, task), 1)
                assert error.errno == code
            assert client.endpoint.exchanges == [] and client.transport.pollable is None
        # The name begins to resolve: the same object works.
        await client.get("a")
        assert client.link_errors == 2
        client.close()
        server.close()

    asyncio.run(main())


def test_reconnect_takes_a_new_port_and_keeps_what_is_under_way():
    asked = []

    def second_time(message):
        asked.append(message.token)
        return echo(message) if len(asked) > 1 else ()

    async def test(client, server):
        task = asyncio.create_task(client.post("a", b"x"))
        await asyncio.sleep_ms(50)
        client.reconnect()
        assert (await task).payload == b"x"
        assert asked[0] == asked[1]
        assert len(server.addresses) == 2 and client.transport.opened == 2

    scene(second_time, test, ack_timeout_ms=200)


def test_reconnect_that_fails_keeps_the_old_socket():
    async def test(client, server):
        async def elsewhere(host):
            return ["255.255.255.255"]

        await client.get("a")
        client.transport.look_up = elsewhere
        client.transport.address = ("tb.test", client.transport.address[1])
        client.reconnect()
        await asyncio.sleep_ms(10)
        assert client.link_errors == 1
        await client.get("a")
        assert len(server.addresses) == client.transport.opened == 1

    scene(echo, test)


def test_close_ends_who_waits():
    async def test(client, server):
        task = asyncio.create_task(client.get("a"))
        await asyncio.sleep_ms(20)
        client.close()
        assert (await fails(OSError, task)).errno == errno.ENOTCONN
        assert (await fails(OSError, client.get("a"))).errno == errno.ENOTCONN
        client.close()

    scene(lambda m: (), test)


class Broken(UDPTransport):
    """A network stack without memory, then without a route, then well."""

    failures = [errno.ENOMEM, errno.EHOSTUNREACH]

    async def open(self):
        await super().open()
        send = self.send

        def flaky(datagram):
            if self.failures:
                raise OSError(self.failures.pop(0))
            return send(datagram)

        self.send = flaky


def test_a_network_stack_that_refuses_is_as_good_as_loss():
    async def main():
        port = free_port()
        server = Server(port, echo)
        client = Client(Broken("127.0.0.1", port), ack_timeout_ms=100)
        assert (await client.post("a", b"x")).payload == b"x"
        assert client.link_errors == 2
        client.close()
        server.close()

    asyncio.run(main())


def blocks_for_ever(message):
    if message.type == ACK:
        return ()
    n = (message.uint(BLOCK2) or 6) | 8
    return (reply(message, bytes(1024), options=[(BLOCK2, option_uint(n))]),)


def test_endless_blocks():
    async def test(client, server):
        error = await fails(coap.TransferError, client.get("a"))
        assert str(error) == "the body is over max_body"
        assert len(server.got) == 17

    scene(blocks_for_ever, test)


def test_download_to_a_sink():
    body = bytes(range(256)) * 20

    def serve(message):
        n = message.uint(BLOCK2) or 6
        start = n >> 4 << 10
        more = (start + 1024 < len(body)) << 3
        option = (BLOCK2, option_uint(n & ~8 | more))
        return (reply(message, body[start : start + 1024], options=[option]),)

    async def test(client, server):
        got = bytearray()
        response = await client.get("a", sink=got.extend, max_body=10000)
        assert got == body and response.payload == b""

    scene(serve, test)
