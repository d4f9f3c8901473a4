# The asyncio driver: moves datagrams between a transport and an Endpoint, and lets callers wait.
#
# Two tasks: _read() waits for datagrams, _keep_time() for what is due next. Each runs _pump(), as
# does every new request. No exception ends them: what others' code raises is counted and told by
# _failed(). A third one, _open(), lives while the transport opens. udp.py says what a transport
# has to have.

import asyncio
import errno
import os
from time import ticks_add, ticks_ms

from micropython import const

from .block import Transfer
from .endpoint import Endpoint, ResponseError
from .message import Message, add_option
from .observation import Observation, Receiver
from .udp import UDPTransport
from .waiting import forget, wait

_CON = const(0)
_URI_PATH = const(11)
_URI_QUERY = const(15)

_PORT = const(5683)
_SECURE_PORT = const(5684)
_LONGEST = const(255)  # bytes of such an option (RFC 7252 table 4)
_WAIT_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)
_RETRY_MS = const(50)  # after an error of the network stack, and without memory


async def connect(
    host, port=None, ack_timeout_ms=2000, window_limit=3, look_up=None, security=None
):
    """Return a Client of host; the first request looks the name up and opens the socket.

    ack_timeout_ms and window_limit are Endpoint's, look_up is UDPTransport's. security is None, or
    a dtls.Security: the server is spoken to over DTLS, on port 5684 unless another is given.
    """
    if security:
        from .dtls import DTLSTransport

        transport = DTLSTransport(host, port or _SECURE_PORT, security, look_up)
    else:
        transport = UDPTransport(host, port or _PORT, look_up)
    return Client(transport, ack_timeout_ms, window_limit)


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
        block_size=1024,
        sink=None,
        max_body=16384,
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
            block_size,
            sink,
            max_body,
        )

    return verb


class Client:
    """A CoAP client of one server; lives through lost links and address changes.

    on_open is None, or a function that is called without arguments each time the transport has a
    new source port: after the first request, after reconnect(), and when the transport had to open
    by itself. An observation that was registered from an older port is lost.
    on_error is None, or a function that is called with what on_open, a receiver or the transport
    raised, and is no OSError or MemoryError: a bug. The client goes on.
    on_cut is None, or a function that is called when a datagram came that was cut, mostly because
    memory had no piece for it.
    link_errors counts all that went wrong on the way: ports that could not be opened, datagrams
    that the network stack refused to send or to hand over, memory that was short.
    """

    on_open = None
    on_error = None
    on_cut = None
    link_errors = 0
    _opened = 0  # transport.opened when on_open was last called
    _opener = None  # the task; None unless the transport opens
    _reader = None  # the task; None while there is nothing to read from
    _watched = None  # what asyncio's poller knows: transport.pollable, or its predecessor
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
        block_size=1024,
        sink=None,
        max_body=16384,
    ):
        """Return a coroutine that sends a request and returns the response.

        That is a Message of class 2 with its whole body. path is "a/b" or a sequence of segments,
        query a sequence of strings, options one of (number, bytes), payload bytes or any buffer.
        timeout_ms (default 93 s) is for each block. block_size, sink and max_body are
        block.Transfer's; on a path that drops large datagrams blocks are smaller.
        Raises ResponseError, OSError (ETIMEDOUT, ENOBUFS, ResetError, others), TransferError,
        ValueError.
        """
        message = Message(code, payload, uri(path, query, options), type)
        block_size = min(block_size, self.endpoint.block_size)
        transfer = Transfer(message, block_size, sink, max_body, self.transport.block_up)
        return self.transfer(transfer, timeout_ms)

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
        message = Message(1, b"", uri(path, query, options), type)
        return Observation(self, message, timeout_ms, ordered)

    def ping(self, timeout_ms=_WAIT_MS):
        """Return a coroutine that ends once the server has answered an Empty message.

        Raises OSError if it did not.
        """
        return self.transfer(Transfer(Message()), timeout_ms)

    def reconnect(self):
        """Look the name up again and take a new source port, without waiting for it.

        Requests under way go on; the old port is used until there is a new one, and longer if
        there is none. Without an old one, requests under way end with the OSError.
        Raises OSError ENOTCONN after close().
        """
        if not self._timer:
            raise OSError(errno.ENOTCONN)
        if not self._opener:
            self._opener = asyncio.create_task(self._open())

    def close(self):
        """End the client; who waits for an answer gets OSError ENOTCONN."""
        for task in (self._timer, self._opener, self._reader):
            if task:
                task.cancel()
        self._timer = self._opener = self._reader = None
        self._asleep = False
        self._watch(None)
        self.transport.close()
        self._give_up(OSError(errno.ENOTCONN))

    async def transfer(self, transfer, timeout_ms):
        # Do what is left of a transfer and return its last response.
        response = None
        while not response:
            receiver = Receiver()
            exchange = self.start(transfer.next_request(), timeout_ms, receiver)
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
        now = ticks_ms()
        wait_ms = _RETRY_MS
        try:
            if self._opened != transport.opened:
                self._opened = transport.opened
                if self.on_open:
                    self.on_open()
            while event := endpoint.next_event():
                exchange, outcome = event
                exchange.receiver.receive(exchange, outcome)
            while transport.pollable and (datagram := endpoint.next_datagram(now)):
                try:
                    transport.send(datagram)
                except OSError:  # refused, no memory, no route: as good as lost on the way
                    self.link_errors += 1
            wait_ms = min(endpoint.handle_timeout(now), transport.handle_timeout(now))
        except Exception as error:
            self._failed(error)  # what was not done is done in a moment
        if self._asleep:
            # Move the timer's wake-up, as Task.cancel() of asyncio does: it costs nothing.
            queue = asyncio.core._task_queue  # type: ignore[attr-defined]  # no stub has it
            queue.remove(self._timer)
            queue.push(self._timer, ticks_add(now, wait_ms))
        return wait_ms

    async def _open(self):
        try:
            await self.transport.open()
        except Exception as error:
            self._failed(error)
            if not self.transport.pollable:
                self._give_up(error)
        self._opener = None
        if self.transport.pollable is not self._watched:
            if self._reader:
                self._reader.cancel()
                self._reader = None
            self._watch(None)
            self._reader = asyncio.create_task(self._read())
        self._pump()

    async def _read(self):
        transport = self.transport
        while transport.pollable:
            try:
                self._watch(transport.pollable)
                yield wait(transport.pollable)
                # It may have died meanwhile, and be None: then there is nothing to read.
                data = transport.pollable and transport.recv()
                if data is not None:
                    self.endpoint.receive_datagram(data, ticks_ms())
                    if self.on_cut and not data:
                        self.on_cut()
                self._pump()
            except Exception as error:
                self._failed(error)
                await asyncio.sleep_ms(_RETRY_MS)
        self._watch(None)
        self._reader = None

    def _watch(self, pollable):
        # What is not read from any more leaves asyncio's poller.
        if self._watched is not pollable:
            if self._watched:
                forget(self._watched)
            self._watched = pollable

    def _give_up(self, error):
        # End all exchanges.
        exchanges = self.endpoint.exchanges
        while exchanges:
            exchange = exchanges.pop(0)
            try:
                exchange.receiver.receive(exchange, error)
            except Exception as bug:
                self._failed(bug)

    def _failed(self, error):
        self.link_errors += 1
        try:
            if self.on_error and not isinstance(error, (OSError, MemoryError)):
                self.on_error(error)
        except Exception:
            pass  # there is nobody else to be told

    async def _keep_time(self):
        while True:
            wait_ms = self._pump()
            self._asleep = True
            await asyncio.sleep_ms(wait_ms)
            self._asleep = False


def uri(path, query, options):
    # The options that name a resource (RFC 7252 section 6.4), and others.
    result = []
    for segment in path.split("/") if isinstance(path, str) else path:
        result.append((_URI_PATH, segment.encode()))
    for item in query:
        result.append((_URI_QUERY, item.encode()))
    for _, value in result:
        if len(value) > _LONGEST:  # it may hold a secret, so it is not told
            raise ValueError("a segment of the path or query has over 255 bytes")
    for number, value in options:
        add_option(result, number, value)
    return result
