# A path that drops every datagram above 600 bytes: blocks shrink until they get through.

from coap.message import option_uint
from scene import reply, scene

LIMIT = 600
BLOCK2, BLOCK1, OBSERVE = 23, 27, 6
BODY = bytes(range(250)) * 8


class LossyServer:
    """Takes and serves 2000 bytes by blocks, behind a path that drops large datagrams."""

    def __init__(self):
        self.body = b""
        self.dropped = 0

    def __call__(self, message):
        if message.type:  # what acknowledges a notification
            return ()
        if len(message.encode()) > LIMIT:
            self.dropped += 1
            return ()
        answer = self.take(message) if message.code == 2 else self.serve(message)
        if len(answer.encode()) > LIMIT:
            self.dropped += 1
            return ()
        return (answer,)

    def take(self, message):
        n = message.uint(BLOCK1)
        if not n >> 4:
            self.body = b""
        self.body += message.payload
        return reply(message, b"", 0x5F if n & 8 else 0x41, options=[(BLOCK1, option_uint(n))])

    def serve(self, message):
        n = message.uint(BLOCK2) or (6 if message.option(BLOCK2) is None else 0)
        szx = n & 7
        start = (n >> 4) << szx + 4
        end = start + (16 << szx)
        options = [(BLOCK2, option_uint(n >> 4 << 4 | (end < len(BODY)) << 3 | szx))]
        if message.option(OBSERVE) is not None:
            options.insert(0, (OBSERVE, b""))
        return reply(message, BODY[start:end], options=options)


async def until_it_works(request):
    # Return the response and how often it took.
    for tries in range(1, 9):
        try:
            return await request(), tries
        except OSError:
            pass
    raise AssertionError("never")


def test_an_upload_by_smaller_blocks():
    server = LossyServer()

    async def test(client, _):
        _, tries = await until_it_works(lambda: client.post("a", BODY, timeout_ms=200))
        assert server.body == BODY and tries == 3 and client.endpoint.block_size == 512
        # Later requests begin small.
        dropped = server.dropped
        await client.post("a", BODY[:1000], timeout_ms=200)
        assert server.body == BODY[:1000] and server.dropped == dropped

    scene(server, test)


def test_a_download_by_smaller_blocks():
    server = LossyServer()

    async def test(client, _):
        response, tries = await until_it_works(lambda: client.get("a", timeout_ms=200))
        assert response.payload == BODY and tries == 3 and server.dropped >= 2

    scene(server, test)


def test_a_registration_asks_for_smaller_notifications():
    server = LossyServer()

    async def test(client, _):
        async def first():
            async for message in client.observe("a", timeout_ms=200):
                return message

        message, tries = await until_it_works(first)
        assert message.payload == BODY and tries == 3

    scene(server, test)
