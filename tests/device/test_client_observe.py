# Observations over real sockets: what the server may do, and what the caller hears of it.

import asyncio
import errno

import coap
from coap.message import Message, option_uint
from scene import ACK, RST, fails, reply, scene

OBSERVE, BLOCK2 = 6, 23


class Observed:
    """A resource that can be observed; answers registrations with `state`."""

    def __init__(self):
        self.state = b"state"
        self.tokens = []
        self.silent = False
        self.mid = 0

    def __call__(self, message):
        observe = message.uint(OBSERVE)
        if message.type in (ACK, RST):
            return ()
        if observe == 0:
            self.tokens.append(message.token)
            if self.silent:
                return ()
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


def test_what_was_not_answered_is_given_up_and_what_was_goes_on():
    resource = Observed()

    async def test(observation, server, heard):
        resource.silent = True
        observation.register()
        await asyncio.sleep_ms(30)
        observation.register()
        await asyncio.sleep_ms(30)
        assert len(resource.tokens) == 3
        server.send(resource.notification(1, b"live", resource.tokens[0]))
        server.send(resource.notification(0, b"lost", resource.tokens[1]))
        await asyncio.sleep_ms(30)
        assert payloads(heard) == [b"state", b"live"]
        assert [message.type for message in server.got[-2:]] == [ACK, RST]

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


def test_cancel_after_the_server_ended_it_sends_nothing():
    resource = Observed()

    async def test(observation, server, heard):
        server.send(resource.notification(0, b"", code=0x42))
        await asyncio.sleep_ms(30)
        assert heard[-1] == "end"
        observation.cancel()
        await asyncio.sleep_ms(30)
        assert [m.type for m in server.got] == [0, ACK]

    observing(resource, test)


def test_cancel_after_silence_sends_nothing():
    async def test(observation, server, heard):
        await asyncio.sleep_ms(100)
        assert isinstance(heard[0], OSError) and heard[1] == "end"
        observation.cancel()
        await asyncio.sleep_ms(30)
        assert len(server.got) == 1

    observing(lambda m: (), test, timeout_ms=80)


def test_cancel_where_the_transport_died_and_cannot_open():
    resource = Observed()

    async def test(observation, server, heard):
        transport = observation.client.transport
        transport.close()
        transport.address = ("255.255.255.255", 5683)
        observation.cancel()
        await asyncio.sleep_ms(30)
        assert heard[-1] == "end" and len(server.got) == 1

    observing(resource, test)


def test_options_of_a_registration_are_in_order():
    async def test(observation, server, heard):
        numbers = [number for number, _ in server.got[0].options]
        assert numbers == [4, OBSERVE, 11, 12]

    observing(Observed(), test, options=((12, b""), (4, b"etag")))


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
        assert observation.client.endpoint.exchanges == []

    observing(resource, test)


def test_a_large_notification_that_breaks_ends_also_an_older_registration():
    class Gone(Large):
        def __call__(self, message):
            if message.uint(OBSERVE) == 0 and self.tokens:
                return ()  # the second registration has no answer
            return super().__call__(message)

        def rest(self, message):
            return (reply(message, b"", 0x82),)

    resource = Gone()

    async def test(observation, server, heard):
        observation.register()
        server.send(resource.large(1))
        await asyncio.sleep_ms(50)
        assert heard[1].code == 0x82 and heard[2] == "end"
        assert observation.client.endpoint.exchanges == []

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


def test_a_slow_reader_keeps_few_bytes():
    resource = Observed()

    async def test(client, server):
        observation = client.observe("a")
        await asyncio.sleep_ms(30)
        for number in range(1, 9):
            server.send(resource.notification(number, bytes([number]) * 1000))
            await asyncio.sleep_ms(5)
        heard = []
        async for message in observation:
            heard.append(message.payload[0])
            if len(heard) == 4:
                break
        assert heard == [5, 6, 7, 8]
        assert observation.lost == 5 and observation._queue == []

    scene(resource, test)


def test_an_end_that_memory_is_short_for_takes_the_newest_place():
    async def test(client, server):
        observation = client.observe("a")
        await asyncio.sleep_ms(30)

        class Full(list):
            def append(self, item):
                raise MemoryError

        kept = [Message(0x45, b"%d" % n) for n in range(4)]
        observation._queue = Full(kept)
        observation.receive(observation._exchange, OSError(errno.ETIMEDOUT))
        assert list(observation._queue)[:3] == kept[:3] and observation.lost == 1
        assert isinstance(list(observation._queue)[3], OSError)

    scene(Observed(), test)


def test_the_end_of_an_observation_frees_a_registration_under_way():
    class Once(Observed):
        def __call__(self, message):
            if message.uint(OBSERVE) == 0 and self.tokens:
                return ()
            return super().__call__(message)

    resource = Once()

    async def test(client, server):
        observation = client.observe("a")
        await asyncio.sleep_ms(30)
        # The end is there before the new registration, but is read after it.
        server.send(resource.notification(0, b"", code=0x84))
        await asyncio.sleep_ms(30)
        observation.register()
        await observation.__anext__()
        await fails(coap.ResponseError, observation.__anext__())
        assert client.endpoint.exchanges == []

    scene(resource, test)
