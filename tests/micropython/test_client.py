# The asyncio client over real sockets, against a server of a few lines that each test scripts.

import asyncio
import errno
import os
import socket

import coap
from coap.client import Client
from coap.message import Message, decode, option_uint
from coap.udp import UDPTransport

ACK, RST = 2, 3
OBSERVE, BLOCK2 = 6, 23


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

    def __init__(self, port, handle):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
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


def scene(handle, test, **parameters):
    # Run test(client, server) with both ends open; the client gives up after 5 s at most.
    async def main():
        port = free_port()
        server = Server(port, handle)
        client = await coap.connect("127.0.0.1", port, **parameters)
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


def test_payload_is_any_buffer():
    async def test(client, server):
        for payload in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4]):
            assert (await client.post("a", payload)).payload == b"abc"

    scene(echo, test)


def test_errors_of_the_server():
    async def test(client, server):
        error = await fails(coap.ResponseError, client.get("a"))
        assert error.code == coap.NOT_FOUND and error.payload == b"no"
        assert str(error) == "4.04"

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
        try:
            client.get("a", unknown=1)
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
        client = await coap.connect("no-such-host.invalid", 5683)
        for _ in range(2):
            await fails(OSError, client.get("a"))
        # The name begins to resolve: the same object works.
        port = free_port()
        server = Server(port, echo)
        client.transport.address = ("127.0.0.1", port)
        await client.get("a")
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
        await client.get("a")
        address = client.transport.address
        client.transport.address = ("no-such-host.invalid", 5683)
        try:
            client.reconnect()
        except OSError:
            pass
        else:
            raise AssertionError("resolved")
        client.transport.address = address
        await client.get("a")
        assert len(server.addresses) == 1

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

    def open(self):
        super().open()
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
        assert "16384" in str(error)
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


class Observed:
    """A resource that can be observed; answers registrations with `state`."""

    def __init__(self):
        self.state = b"state"
        self.tokens = []
        self.mid = 0

    def __call__(self, message):
        observe = message.uint(OBSERVE)
        if message.type in (ACK, RST):
            return ()
        if observe == 0:
            self.tokens.append(message.token)
            return (reply(message, self.state, options=[(OBSERVE, b"")]),)
        if observe == 1:
            return (Message(type=ACK, message_id=message.message_id),)
        return self.rest(message)

    def rest(self, message):
        return (reply(message, b"plain"),)

    def notification(self, number, payload, token=None, code=0x45, options=()):
        self.mid += 1
        options = [(OBSERVE, option_uint(number))] + list(options)
        return Message(code, payload, options, 0, token or self.tokens[-1], self.mid)


def observing(resource, test, **how):
    # Run test(observation, server, heard) while a task collects what the observation delivers.
    async def with_client(client, server):
        observation = client.observe("a", **how)
        heard = []

        async def collect():
            try:
                async for message in observation:
                    heard.append(message)
            except (OSError, coap.ResponseError, coap.TransferError) as error:
                heard.append(error)
            heard.append("end")

        task = asyncio.create_task(collect())
        await asyncio.sleep_ms(30)
        await test(observation, server, heard)
        task.cancel()

    scene(resource, with_client)


def payloads(heard):
    return [getattr(message, "payload", message) for message in heard]


def test_observe():
    resource = Observed()

    async def test(observation, server, heard):
        for number in (1, 2, 2, 1, 3):
            server.send(resource.notification(number, b"%d" % number))
        await asyncio.sleep_ms(30)
        assert payloads(heard) == [b"state", b"1", b"2", b"3"]
        assert [m.type for m in server.got[1:]] == [ACK] * 5

    observing(resource, test)


def test_observe_unordered():
    resource = Observed()

    async def test(observation, server, heard):
        for number in (3, 1, 2):
            server.send(resource.notification(number, b"%d" % number))
        await asyncio.sleep_ms(30)
        assert payloads(heard) == [b"state", b"3", b"1", b"2"]

    observing(resource, test, ordered=False)


def test_observe_registers_again_under_a_new_token():
    resource = Observed()

    async def test(observation, server, heard):
        resource.state = b"new state"
        observation.register()
        # A last command under the old token, then "replaced", both before the new answer.
        server.send(resource.notification(1, b"late", resource.tokens[0]))
        server.send(resource.notification(0, b"", resource.tokens[0], code=0x42))
        await asyncio.sleep_ms(30)
        assert payloads(heard) == [b"state", b"late", b"new state"]
        tokens = [message.token for message in heard]
        assert tokens[0] == tokens[1] == resource.tokens[0]
        assert tokens[2] == resource.tokens[1] != resource.tokens[0]
        server.send(resource.notification(1, b"old", resource.tokens[0]))
        await asyncio.sleep_ms(20)
        assert server.got[-1].type == RST and len(heard) == 3

    observing(resource, test)


def test_observe_ended_by_the_server():
    resource = Observed()

    async def test(observation, server, heard):
        server.send(resource.notification(0, b"", code=0x42))
        await asyncio.sleep_ms(30)
        assert heard[1].code == 0x42 and heard[2] == "end"

    observing(resource, test)


def test_observe_refused():
    async def test(observation, server, heard):
        assert heard[0].code == 0x81 and heard[1] == "end"

    observing(lambda m: (reply(m, b"", 0x81),), test)


def test_observe_what_cannot_be_observed():
    async def test(observation, server, heard):
        assert heard[0].code == 0x45 and heard[0].payload == b"once"

    observing(lambda m: (reply(m, b"once"),), test)


def test_observe_cancelled():
    resource = Observed()

    async def test(observation, server, heard):
        observation.cancel()
        await asyncio.sleep_ms(30)
        assert heard[-1] == "end"
        assert server.got[-1].uint(OBSERVE) == 1
        assert server.got[-1].token == resource.tokens[0]
        server.send(resource.notification(1, b"x"))
        await asyncio.sleep_ms(20)
        assert payloads(heard) == [b"state", "end"]
        observation.cancel()

    observing(resource, test)


class Large(Observed):
    """Notifications of 2500 bytes; the rest is fetched by plain GETs."""

    body = bytes(i & 255 for i in range(2500))

    def rest(self, message):
        n = message.uint(BLOCK2)
        start = n >> 4 << 10
        more = (start + 1024 < len(self.body)) << 3
        part = self.body[start : start + 1024]
        return (reply(message, part, options=[(BLOCK2, option_uint(n | more))]),)

    def large(self, number):
        return self.notification(number, self.body[:1024], options=[(BLOCK2, b"\x0e")])


def test_large_notification():
    resource = Large()

    async def test(observation, server, heard):
        server.send(resource.large(1))
        await asyncio.sleep_ms(50)
        assert heard[1].payload == resource.body
        assert heard[1].uint(OBSERVE) == 1 and heard[1].token == resource.tokens[0]
        fetches = [m for m in server.got if m.type == 0][1:]
        assert [m.uint(BLOCK2) for m in fetches] == [0x16, 0x26]
        assert all(m.option(OBSERVE) is None and m.token != resource.tokens[0] for m in fetches)
        server.send(resource.notification(2, b"small"))
        await asyncio.sleep_ms(30)
        assert heard[2].payload == b"small"

    observing(resource, test)


def test_large_notification_overtaken_by_a_newer_one():
    class Interrupted(Large):
        def rest(self, message):
            answer = super().rest(message)
            return answer + (self.notification(2, b"newer"),)

    resource = Interrupted()

    async def test(observation, server, heard):
        server.send(resource.large(1))
        await asyncio.sleep_ms(50)
        assert payloads(heard) == [b"state", b"newer"]
        assert observation.lost == 1

    observing(resource, test)


def test_large_notification_that_breaks_ends_the_observation():
    class Gone(Large):
        def rest(self, message):
            return (reply(message, b"", 0x82),)

    resource = Gone()

    async def test(observation, server, heard):
        server.send(resource.large(1))
        await asyncio.sleep_ms(50)
        assert heard[1].code == 0x82 and heard[2] == "end"
        assert observation._client.endpoint.exchanges == []

    observing(resource, test)


def test_a_slow_reader_loses_the_oldest():
    resource = Observed()

    async def test(client, server):
        observation = client.observe("a")
        await asyncio.sleep_ms(30)
        for number in range(1, 13):
            server.send(resource.notification(number, b"%d" % number))
            await asyncio.sleep_ms(5)
        heard = []
        async for message in observation:
            heard.append(message.payload)
            if len(heard) == 8:
                break
        assert heard == [b"%d" % n for n in range(5, 13)]
        assert observation.lost == 5

    scene(resource, test)
