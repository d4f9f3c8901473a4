# Who waits for the outcomes of exchanges: a request for one, an observation for many.

import asyncio

from micropython import const

from .block import Transfer, exponent
from .message import Message, add_option

_CON = const(0)
_OBSERVE = const(6)
_BLOCK2 = const(23)

# Kept for a slow reader; further ones push out the oldest.
_NOTIFICATIONS = const(8)
_BYTES = const(4096)  # of their payloads; a single one may be larger


class Receiver:
    # Who waits for the outcomes of an exchange.
    def __init__(self):
        self._queue = []
        self._event = asyncio.Event()

    def receive(self, exchange, outcome):
        self._queue.append(outcome)
        self._event.set()

    async def next(self):
        while not self._queue:
            self._event.clear()
            await self._event.wait()
        outcome = self._queue.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Observation(Receiver):
    """What a server tells about a resource: `async for message in observation`.

    The first message under a token (message.token) answers a registration, the others are
    notifications. The loop ends by what ended the observation: ResponseError (the server's last
    word, also a 2.05 that comes without Observe), OSError, TransferError; or quietly after
    cancel(). lost counts messages that a slow reader missed. whole: fetch the further blocks of a
    large message; False hands it over with its first block, and with its Block2 option.
    """

    lost = 0
    whole = True
    _exchange = _old = None
    _answered = False  # whether anything came under the newest token

    def __init__(self, client, message, timeout_ms, ordered):
        super().__init__()
        self.client = client
        self.message = message
        self.timeout_ms = timeout_ms
        self.ordered = ordered
        self.register()

    def register(self):
        """Register again, with a new token. Raises OSError.

        Until the first message under it comes, notifications under the old token are still taken.
        One that had no answer yet is given up: repeated, it might come after this one, and the
        server would end this one.
        """
        exchange = self.client.start(self._request(b""), self.timeout_ms, self, self.ordered)
        if self._answered:
            self._old = self._exchange
        else:
            self.client.cancel(self._exchange)
        self._answered = False
        self._exchange = exchange

    def cancel(self):
        """End the observation and tell the server, without waiting: ThingsBoard never answers.

        One that has ended already is left as it is.
        """
        exchange = self._exchange
        if exchange in self.client.endpoint.exchanges:
            self.receive(exchange, StopAsyncIteration())
            self.client.cancel(exchange)
            message = self._request(b"\x01")
            message.type = _CON
            message.token = exchange.token
            try:
                self.client.start(message, self.timeout_ms, Receiver())
            except OSError:
                pass  # the transport died and cannot open: nobody is there to be told

    def drop(self):
        """End the observation here, and tell nobody; what still comes for it gets a Reset."""
        self.client.cancel(self._exchange)
        self.client.cancel(self._old)

    def receive(self, exchange, outcome):
        if exchange is self._exchange:
            self._answered = True
            if self._old:
                self.client.cancel(self._old)
                self._old = None
        elif isinstance(outcome, Exception):
            return  # the end of an older registration is no news
        queue = self._queue
        try:
            super().receive(exchange, outcome)
        except MemoryError:  # it may be the last outcome of all, so it takes another's place
            queue[-1] = outcome
            self._event.set()
            self.lost += 1
        while len(queue) > _NOTIFICATIONS or len(queue) > 1 and _size(queue) > _BYTES:
            queue.pop(0)
            self.lost += 1

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self._next_whole()
        except Exception:
            self.drop()  # nobody takes what a registration under way would bring
            raise

    async def _next_whole(self):
        while True:
            message = await self.next()
            if message.option(_BLOCK2) is None or not self.whole:
                return message
            whole = await self.fetch_rest(message)
            # A newer notification that came meanwhile may have changed the blocks on the server.
            if not (self.ordered and self._queue):
                message.payload = whole.payload
                return message
            self.lost += 1

    async def fetch_rest(self, message, sink=None, max_body=16384):
        """Return a message with its further blocks: its whole payload, or none if sink gets it.

        sink and max_body are block.Transfer's. Raises what Client.request() raises.
        """
        transfer = Transfer(self.message, sink=sink, max_body=max_body)
        whole = transfer.receive(message)
        return whole or await self.client.transfer(transfer, self.timeout_ms)

    def _request(self, observe):
        options = list(self.message.options)
        add_option(options, _OBSERVE, observe)
        szx = exponent(self.client.endpoint.block_size)
        if szx < 6:  # asks for such blocks, in notifications too (RFC 7959 section 2.6)
            add_option(options, _BLOCK2, bytes((szx,)))
        return Message(1, b"", options, self.message.type)


def _size(queue):
    return sum([len(message.payload) for message in queue if isinstance(message, Message)])
