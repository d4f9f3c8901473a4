# The asyncio driver: moves datagrams between a transport and an Endpoint, and lets callers wait.
#
# Two tasks: _read() waits for datagrams, _keep_time() for what is due next. Each runs _pump(), as
# does every new request. udp.py says what a transport has to have.

import asyncio
import errno
import os
from time import ticks_add, ticks_ms

from micropython import const

from .block import Transfer, exponent
from .endpoint import Endpoint, ResponseError
from .message import Message, add_option
from .udp import UDPTransport

_CON = const(0)
_OBSERVE = const(6)
_URI_PATH = const(11)
_URI_QUERY = const(15)
_BLOCK2 = const(23)

_WAIT_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)
_RETRY_MS = const(50)  # after an error of the network stack, and without memory
_NOTIFICATIONS = const(8)  # kept for a slow reader; further ones push out the oldest


async def connect(host, port=5683, ack_timeout_ms=2000, window_limit=3):
    """Return a Client of host; the first request opens the socket.

    ack_timeout_ms and window_limit are Endpoint's.
    """
    return Client(UDPTransport(host, port), ack_timeout_ms, window_limit)


def _verb(code):
    # One signature for the five methods below: written out each, they take 200 bytes more. The
    # code is a default argument because a variable of the factory takes 64 bytes of heap a verb.
    def verb(
        self,
        path,
        payload=b"",
        query=(),
        options=(),
        type=_CON,
        timeout_ms=_WAIT_MS,
        bulk=False,
        block_size=1024,
        sink=None,
        max_body=16384,
        offset=0,
        code=code,
    ):
        return self.request(
            code,
            path,
            payload,
            query,
            options,
            type,
            timeout_ms,
            bulk,
            block_size,
            sink,
            max_body,
            offset,
        )

    return verb


class Client:
    """A CoAP client of one server; lives through lost links and address changes.

    on_open is None, or a function that is called without arguments each time the transport has a
    new source port: at the first request, by reconnect(), and when the transport had to open by
    itself. An observation that was registered from an older port is lost. It must not raise.
    link_errors counts datagrams that the network stack refused to send or to hand over.
    """

    on_open = None
    link_errors = 0
    _opened = 0  # transport.opened when on_open was last called
    _reader = None  # the task; None while there is nothing to read from
    _asleep = False  # whether the timer waits for what is due next

    def __init__(self, transport, ack_timeout_ms=2000, window_limit=3):
        self.endpoint = Endpoint(os.urandom, ack_timeout_ms, window_limit)
        self.transport = transport
        self.window_limit = window_limit
        self._timer = asyncio.create_task(self._keep_time())

    get = _verb(1)
    post = _verb(2)
    put = _verb(3)
    delete = _verb(4)
    fetch = _verb(5)  # RFC 8132

    def request(
        self,
        code,
        path,
        payload=b"",
        query=(),
        options=(),
        type=_CON,
        timeout_ms=_WAIT_MS,
        bulk=False,
        block_size=1024,
        sink=None,
        max_body=16384,
        offset=0,
    ):
        """Return a coroutine that sends a request and returns the response.

        That is a Message of class 2 with its whole body. path is "a/b" or a sequence of segments,
        query a sequence of strings, options one of (number, bytes), payload bytes or any buffer.
        timeout_ms (default 93 s) is for each block. bulk: one of many (Endpoint.request).
        block_size, sink, max_body and offset are block.Transfer's; what is not bulk gets smaller
        blocks on a path that drops larger ones. Raises ResponseError, OSError (ETIMEDOUT, ENOBUFS,
        ResetError, others), TransferError, ValueError.
        """
        message = Message(code, payload, _uri(path, query, options), type)
        if not bulk:
            block_size = min(block_size, self.endpoint.block_size)
        transfer = Transfer(message, block_size, sink, max_body, offset)
        return self.transfer(transfer, timeout_ms, bulk)

    def observe(
        self,
        path,
        query=(),
        options=(),
        type=_CON,
        timeout_ms=_WAIT_MS,
        ordered=True,
    ):
        """Register for a resource's notifications (RFC 7641) and return the Observation.

        type is the registration's, and for ThingsBoard the notifications' too. ordered=False
        delivers also what is older than the last one. The rest is as for request().
        Raises OSError, ValueError.
        """
        message = Message(1, b"", _uri(path, query, options), type)
        return Observation(self, message, timeout_ms, ordered)

    def ping(self, timeout_ms=_WAIT_MS):
        """Return a coroutine that ends once the server has answered an Empty message.

        Raises OSError if it did not.
        """
        return self.transfer(Transfer(Message()), timeout_ms)

    def reconnect(self):
        """Take a new source port and resolve the name again; requests under way go on.

        Raises OSError if that fails; the old socket is kept then. The DNS blocks.
        """
        if not self._timer:
            raise OSError(errno.ENOTCONN)
        self.transport.open()
        if self._reader:
            self._reader.cancel()
            self._reader = None
        self._reader = asyncio.create_task(self._read())
        self._pump()

    def close(self):
        """End the client; who waits for an answer gets OSError ENOTCONN."""
        for task in (self._timer, self._reader):
            if task:
                task.cancel()
        self._timer = self._reader = None
        self._asleep = False
        self.transport.close()
        for exchange in self.endpoint.exchanges:
            exchange.receiver.receive(exchange, OSError(errno.ENOTCONN))
        self.endpoint.exchanges = []

    async def transfer(self, transfer, timeout_ms, bulk=False):
        # Do what is left of a transfer and return its last response.
        response = None
        while not response:
            receiver = _Receiver()
            exchange = self.start(transfer.next_request(), timeout_ms, receiver, None, bulk)
            try:
                response = transfer.receive(await receiver.next())
            finally:
                self.cancel(exchange)
        if response.code >> 5 not in (0, 2):  # 0: a Reset, the answer to a ping
            raise ResponseError(response)
        return response

    def start(self, message, timeout_ms, receiver, observe=None, bulk=False):
        # Begin an exchange; receiver.receive(exchange, outcome) is called with each outcome.
        if not (self._reader and self.transport.pollable):
            self.reconnect()
        exchange = self.endpoint.request(message, ticks_ms(), timeout_ms, observe, bulk, receiver)
        self._pump()
        return exchange

    def cancel(self, exchange):
        # Drop an exchange if it is under way. Another one may have waited for its place.
        if exchange in self.endpoint.exchanges:
            self.endpoint.cancel(exchange)
            self._pump()

    def _pump(self):
        # Hand out what came, send what there is, do what is due; return the time until more is.
        endpoint = self.endpoint
        transport = self.transport
        if self._opened != transport.opened:
            self._opened = transport.opened
            if self.on_open:
                self.on_open()
        now = ticks_ms()
        wait_ms = _RETRY_MS
        try:
            while event := endpoint.next_event():
                exchange, outcome = event
                exchange.receiver.receive(exchange, outcome)
            while datagram := endpoint.next_datagram(now):
                try:
                    transport.send(datagram)
                except OSError:  # refused, no memory, no route: as good as lost on the way
                    self.link_errors += 1
            wait_ms = min(endpoint.handle_timeout(now), transport.handle_timeout(now))
        except MemoryError:
            pass  # what was not done is done then
        if self._asleep:
            # Move the timer's wake-up, as Task.cancel() of asyncio does: it costs nothing.
            queue = asyncio.core._task_queue  # type: ignore[attr-defined]  # no stub has it
            queue.remove(self._timer)
            queue.push(self._timer, ticks_add(now, wait_ms))
        return wait_ms

    async def _read(self):
        transport = self.transport
        poller = asyncio.core._io_queue  # type: ignore[attr-defined]  # no stub has it
        while transport.pollable:
            try:
                yield poller.queue_read(transport.pollable)
                # It may have died meanwhile, and be None: then there is nothing to read.
                data = transport.pollable and transport.recv()
                if data is not None:
                    self.endpoint.receive_datagram(data, ticks_ms())
                self._pump()
            except (OSError, MemoryError):
                self.link_errors += 1
                poller.remove(self._reader)  # queue_read() may have got half-way
                await asyncio.sleep_ms(_RETRY_MS)
        self._reader = None

    async def _keep_time(self):
        while True:
            wait_ms = self._pump()
            self._asleep = True
            await asyncio.sleep_ms(wait_ms)
            self._asleep = False


class _Receiver:
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


class Observation(_Receiver):
    """What a server tells about a resource: `async for message in observation`.

    The first message under a token (message.token) answers a registration, the others are
    notifications. The loop ends by what ended the observation: ResponseError (the server's last
    word, also a 2.05 that comes without Observe), OSError, TransferError; or quietly after
    cancel(). lost counts messages that a slow reader missed.
    """

    lost = 0
    _exchange = _old = None

    def __init__(self, client, message, timeout_ms, ordered):
        super().__init__()
        self.client = client
        self.message = message
        self.timeout_ms = timeout_ms
        self.ordered = ordered
        self.register()

    def register(self):
        """Register again, with a new token. Raises OSError.

        Until the answer comes, notifications under the old token are still taken; where order
        counts, the answer replaces those that nobody has read yet.
        """
        exchange = self.client.start(self._request(b""), self.timeout_ms, self, self.ordered)
        self.client.cancel(self._old)
        self._old = self._exchange
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
                self.client.start(message, self.timeout_ms, _Receiver())
            except OSError:
                pass  # the transport died and cannot open: nobody is there to be told

    def receive(self, exchange, outcome):
        if exchange is self._exchange:
            if self._old:
                self.client.cancel(self._old)
                self._old = None
                if self.ordered:
                    self._queue.clear()
        elif isinstance(outcome, Exception):
            return  # the end of an older registration is no news
        super().receive(exchange, outcome)
        if len(self._queue) > _NOTIFICATIONS:
            self._queue.pop(0)
            self.lost += 1

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            message = await self.next()
            if message.option(_BLOCK2) is None:
                return message
            try:
                transfer = Transfer(self.message)
                whole = transfer.receive(message)
                whole = whole or await self.client.transfer(transfer, self.timeout_ms)
            except Exception:
                self.client.cancel(self._exchange)
                self.client.cancel(self._old)
                raise
            # A newer notification that came meanwhile may have changed the blocks on the server.
            if not (self.ordered and self._queue):
                message.payload = whole.payload
                return message
            self.lost += 1

    def _request(self, observe):
        options = list(self.message.options)
        add_option(options, _OBSERVE, observe)
        szx = exponent(self.client.endpoint.block_size)
        if szx < 6:  # asks for such blocks, in notifications too (RFC 7959 section 2.6)
            add_option(options, _BLOCK2, bytes((szx,)))
        return Message(1, b"", options, self.message.type)


def _uri(path, query, options):
    # The options that name a resource (RFC 7252 section 6.4), and others.
    result = []
    for segment in path.split("/") if isinstance(path, str) else path:
        result.append((_URI_PATH, segment.encode()))
    for item in query:
        result.append((_URI_QUERY, item.encode()))
    for number, value in options:
        add_option(result, number, value)
    return result
