# A download while memory is short: what waits for its turn gives room to what it waits for.

import asyncio

from coap.downloading import download
from coap.message import Message, option_uint
from fakes import run, turns

BLOCK2 = 23
SIZE = 1024
BODY = bytes([i & 255 for i in range(8 * SIZE)])


class Client:
    """Keeps the requests that are under way, by the number of the block."""

    window_limit = 5
    on_cut = None

    def __init__(self):
        self.endpoint = self
        self.exchanges = []
        self.begun = 0

    def start(self, message, timeout_ms, receiver, ordered, bulk):
        self.begun += 1
        self.exchanges.append(Exchange(message.uint(BLOCK2) or 0, receiver))

    def cancel(self, exchange):
        self.exchanges.remove(exchange)

    def asked(self):
        return [exchange.number for exchange in self.exchanges]

    async def answer(self, *numbers):
        for exchange in list(self.exchanges):
            number = exchange.number
            if number in numbers:
                self.exchanges.remove(exchange)
                payload = BODY[number * SIZE : (number + 1) * SIZE]
                more = 8 if number < 7 else 0
                options = [(BLOCK2, option_uint(number << 4 | more | 6))]
                exchange.receiver.receive(exchange, Message(0x45, payload, options))
        await turns(5)


class Exchange:
    def __init__(self, block, receiver):
        self.number = block >> 4
        self.receiver = receiver


class Body:
    size = len(BODY)
    offset = 0

    def __init__(self):
        self.data = b""

    def feed(self, offset, data):
        assert offset == self.offset
        self.data += data
        self.offset += len(data)


def test_what_waits_for_its_turn_makes_room_for_the_block_before_it():
    async def test():
        client = Client()
        body = Body()
        task = asyncio.create_task(download(client, "fw", (), body))
        await turns(5)
        await client.answer(0)
        assert client.asked() == [1, 2, 3, 4, 5]
        await client.answer(2, 3, 4, 5)
        assert client.asked() == [1] and body.offset == SIZE
        client.on_cut()
        assert client.asked() == [1]
        begun = client.begun
        client.on_cut()  # there is no more to be had
        assert client.begun == begun
        for number in range(1, 8):
            assert client.asked() == [number]
            await client.answer(number)
        await task
        assert body.data == BODY and client.on_cut is None

    run(test())
