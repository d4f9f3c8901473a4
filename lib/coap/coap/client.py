# The asyncio driver: moves datagrams between a transport and an Endpoint, and waits for the caller.

import asyncio
import errno
import os
import time

from micropython import const

from .block import Transfer, TransferError
from .endpoint import Endpoint
from .message import (
    BLOCK2,
    CON,
    DELETE,
    FETCH,
    GET,
    OBSERVE,
    POST,
    PUT,
    URI_PATH,
    URI_QUERY,
    Message,
    code_text,
)
from .observe import Freshness, goes_on
from .udp import UDPTransport

_TICK_MS = const(50)  # how late a timer may be: asyncio has no cheap way to move a wake-up forward
_NOTIFICATIONS = const(8)  # kept for a slow reader; further ones push out the oldest


class ResponseError(Exception):
    """The server answered with an error, or ended an observation; code is an int, payload bytes."""

    def __init__(self, response):
        self.code = response.code
        self.payload = response.payload

    def __str__(self):
        return code_text(self.code)


async def connect(host, port=5683, **parameters):
    """Return a Client of host; parameters are Endpoint's. Does not fail because of the network: requests tell."""
    client = Client(UDPTransport(host, port), **parameters)
    try:
        client.open()
    except OSError:
        pass
    return client


def uri_options(path, query=(), options=()):
    """Return the options that name a resource: path "a/b" or its segments, query strings (RFC 7252 section 6.4)."""
    if isinstance(path, str):
        path = path.split("/")
    result = list(options)
    for segment in path:
        result.append((URI_PATH, segment.encode()))
    for item in query:
        result.append((URI_QUERY, item.encode()))
    return result


class Client:
    """A CoAP client of one server; lives through lost links and address changes.

    reconnects counts the source addresses used up: what a server bound to an older one, observations, is gone.
    """

    def __init__(self, transport, **parameters):
        self.endpoint = Endpoint(os.urandom, **parameters)
        self.transport = transport
        self.reconnects = 0
        self.link_errors = 0  # datagrams that the network stack refused to send or to hand over
        self._reader = None
        self._work = asyncio.Event()
        self._timer = asyncio.create_task(self._keep_time())

    async def get(self, path, **how):
        """GET path and return the response; request() says how."""
        return await self.request(GET, path, **how)

    async def post(self, path, payload=b"", **how):
        return await self.request(POST, path, payload, **how)

    async def put(self, path, payload=b"", **how):
        return await self.request(PUT, path, payload, **how)

    async def delete(self, path, **how):
        return await self.request(DELETE, path, **how)

    async def fetch(self, path, payload=b"", **how):
        """FETCH (RFC 8132): a GET with a body."""
        return await self.request(FETCH, path, payload, **how)

    async def request(
        self,
        code,
        path,
        payload=b"",
        query=(),
        options=(),
        type=CON,
        timeout_ms=None,
        sink=None,
        max_body=16384,
        block_size=1024,
    ):
        """Send a request and return the response, a Message of class 2 with its whole body.

        path is "a/b" or a sequence of segments, query a sequence of strings, options a sequence of (number, bytes). payload,
        bytes or any buffer, goes in blocks when larger than block_size. The answer's body goes to sink(bytes) block by block, if
        given; else up to max_body bytes are collected. timeout_ms (default 93 s) is for each block.
        Raises ResponseError, OSError (ETIMEDOUT and others, ResetError), TransferError, ValueError.
        """
        message = Message(code, payload, uri_options(path, query, options), type)
        return await self._transfer(Transfer(message, block_size, sink, max_body), timeout_ms)

    async def observe(
        self,
        path,
        query=(),
        options=(),
        type=CON,
        ordered=True,
        timeout_ms=None,
        max_body=16384,
        block_size=1024,
    ):
        """Register for a resource's notifications (RFC 7641) and return the Observation.

        type, CON or NON, is ThingsBoard's choice for the notifications too. ordered=False delivers also what is older than the last.
        Raises as request().
        """
        message = Message(GET, options=uri_options(path, query, options), type=type)
        observation = Observation(self, message, ordered, timeout_ms, max_body, block_size)
        await observation.register()
        return observation

    async def ping(self, timeout_ms=None):
        """Return in how many milliseconds the server answered an Empty message; OSError if it did not."""
        start = time.ticks_ms()
        await self._exchange(Message(), timeout_ms)
        return time.ticks_diff(time.ticks_ms(), start)

    async def reconnect(self):
        """Take a new source port and resolve the name again; requests under way go on. OSError if that fails."""
        self.open()

    def open(self):
        if self._timer is None:
            raise OSError(errno.ENOTCONN)
        if self._reader:
            self._reader.cancel()
            self.reconnects += 1
        try:
            self.transport.open()
        finally:
            if self.transport.socket:  # a new one, or still the old one
                self._reader = asyncio.create_task(self._read())

    def close(self):
        """End the client; who waits for an answer gets OSError ENOTCONN."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._reader:
            self._reader.cancel()
        self.transport.close()
        self.endpoint.abort(OSError(errno.ENOTCONN))
        self._pump()

    async def _transfer(self, transfer, timeout_ms, response=None):
        response = response and transfer.receive(response)
        while not response:
            answer = await self._exchange(transfer.next_request(), timeout_ms)
            response = transfer.receive(answer)
        if response.code >> 5 != 2:
            raise ResponseError(response)
        return response

    async def _exchange(self, message, timeout_ms, on_ack=None):
        receiver = _Receiver(on_ack)
        exchange = self.start(message, timeout_ms, receiver)
        try:
            return await receiver.next()
        finally:
            self.endpoint.cancel(exchange)

    def start(self, message, timeout_ms, receiver, freshness=None):
        # Begin an exchange; receiver.receive(exchange, outcome) is called with each of its outcomes.
        if not self.transport.socket:
            self.open()
        exchange = self.endpoint.request(message, time.ticks_ms(), timeout_ms, freshness)
        exchange.receiver = receiver
        self._pump()
        self._work.set()
        return exchange

    def _pump(self):
        endpoint = self.endpoint
        now = time.ticks_ms()
        while datagram := endpoint.next_datagram(now):
            try:
                self.transport.send(datagram)
            except OSError:  # refused, no memory, no route: as good as lost on the way
                self.link_errors += 1
        while event := endpoint.next_event():
            event[0].receiver.receive(*event)

    async def _read(self):
        transport = self.transport
        while True:
            yield asyncio.core._io_queue.queue_read(transport.socket)
            try:
                data = transport.recv()
                if data == b"" and transport.deaf_after_empty:
                    transport.open()
                    self.reconnects += 1
            except (OSError, MemoryError):
                self.link_errors += 1
                await asyncio.sleep_ms(_TICK_MS)
                continue
            if data:
                self.endpoint.receive_datagram(data, time.ticks_ms())
                self._pump()
            else:
                self.endpoint.malformed += 1

    async def _keep_time(self):
        while True:
            wait_ms = self.endpoint.timeout_ms(time.ticks_ms())
            if wait_ms is None:
                self._work.clear()
                await self._work.wait()
            else:
                await asyncio.sleep_ms(min(wait_ms, _TICK_MS if wait_ms < 1000 else 5 * _TICK_MS))
                self.endpoint.handle_timeout(time.ticks_ms())
                self._pump()


class _Receiver:
    # Who waits for the outcomes of an exchange; on_ack stands for an empty ACK, which is no outcome otherwise.
    def __init__(self, on_ack=None):
        self._on_ack = on_ack
        self._queue = []
        self._event = asyncio.Event()

    def receive(self, exchange, outcome):
        outcome = outcome or self._on_ack
        if outcome:
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


class Observation(_Receiver):
    """The notifications of one resource: `async for message in observation`.

    The loop ends by what ended the observation: ResponseError (the server's last word), OSError, TransferError;
    or quietly after cancel(). first is the Message that answered the last registration; lost counts
    notifications that a slow reader missed.
    """

    def __init__(self, client, message, ordered, timeout_ms, max_body, block_size):
        super().__init__()
        self.first = None
        self.lost = 0
        self._client = client
        self._message = message
        self._ordered = ordered
        self._timeout_ms = timeout_ms
        self._max_body = max_body
        self._block_size = block_size
        self._exchange = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            message = await self.next()
            if not goes_on(message):
                raise ResponseError(message)
            whole = await self._whole(message)
            # A newer notification that came while blocks were fetched may have changed them on the server.
            if whole is message or not (self._ordered and self._queue):
                return whole
            self.lost += 1

    async def register(self):
        """Register, again and with a new token, and return the answer. Raises as Client.request().

        Until the answer came, the old registration's notifications are taken; where order counts it replaces them.
        A failure ends the observation.
        """
        old = self._exchange
        self._exchange = None
        endpoint = self._client.endpoint
        receiver = _Receiver()
        exchange = self._client.start(
            self._request(b""), self._timeout_ms, receiver, Freshness(self._ordered)
        )
        try:
            first = await receiver.next()
            if first.code >> 5 != 2:
                raise ResponseError(first)
            if not goes_on(first):  # an answer, but no observation
                receiver.receive(None, ResponseError(first))
            self.first = await self._whole(first)
            self._exchange = exchange
        finally:
            if old:
                endpoint.cancel(old)
            if not self._exchange:
                endpoint.cancel(exchange)
        if self._ordered:
            self._queue.clear()
        for outcome in receiver._queue:
            self.receive(exchange, outcome)
        exchange.receiver = self
        return self.first

    async def cancel(self):
        """End the observation and tell the server; its silence after an empty ACK is consent. Raises as request()."""
        exchange = self._exchange
        if exchange:
            self.receive(exchange, StopAsyncIteration())
            self._exchange = None
            self._client.endpoint.cancel(exchange)
            message = self._request(b"\x01")
            message.type = CON
            message.token = exchange.token
            await self._client._exchange(message, self._timeout_ms, True)

    def receive(self, exchange, outcome):
        # While registering, the end of the old registration is no news.
        if exchange is self._exchange or isinstance(outcome, Message) and goes_on(outcome):
            super().receive(exchange, outcome)
            if len(self._queue) > _NOTIFICATIONS:
                self._queue.pop(0)
                self.lost += 1

    def _request(self, observe):
        message = Transfer(self._message, self._block_size).next_request()
        message.options.append((OBSERVE, observe))
        return message

    async def _whole(self, message):
        if message.option(BLOCK2) is None:
            return message
        transfer = Transfer(self._message, max_body=self._max_body)
        try:
            return await self._client._transfer(transfer, self._timeout_ms, message)
        except Exception:
            self._client.endpoint.cancel(self._exchange)
            raise
