# A body in blocks, both ways (RFC 7959), sans-I/O: send next_request(), hand its response to
# receive(), until that returns the answer.

from micropython import const

from .message import Message, add_option, option_uint

_ETAG = const(4)
_BLOCK2 = const(23)
_BLOCK1 = const(27)
_SIZE2 = const(28)
_SIZE1 = const(60)
_CONTINUE = const(0x5F)  # 2.31
_INCOMPLETE = const(0x88)  # 4.08
_TOO_LARGE = const(0x8D)  # 4.13

_MISFIT = const("blocks do not fit")


class TransferError(Exception):
    """The peer broke a body: blocks that do not fit together, or more than we take."""


class Transfer:
    """One request whose body, or whose answer's body, may be larger than a block.

    message is the request with its whole body as payload. block_size (16 to 1024, rounded down to
    a power of two) is the largest we send and, when below 1024, what we ask the peer for. The
    answer's body, from offset (whole blocks) on, goes to sink(bytes) block by block, or is
    collected; more than max_body bytes end the transfer.
    """

    # Defaults stand in the class: an instance takes RAM only for what differs.
    _sent = 0  # bytes of our body which the peer has
    _sending = 0  # bytes of it in the request under way
    _restarted = False  # after a 4.08: once only
    _etag = _size = None  # of the answer, from its first block
    _parts = None  # of the answer's body

    def __init__(self, message, block_size=1024, sink=None, max_body=16384, offset=0):
        szx = 0
        while szx < 6 and 32 << szx <= block_size:
            szx += 1
        self._message = message
        self._szx = self._szx2 = szx  # of our blocks, and the largest we take
        self._sink = sink
        self._max_body = max_body
        self._got = offset  # bytes of the answer's body
        # No blocks so far: the request goes out as it is, and so would its answer come back.
        self._plain = szx == 6 and not (sink or offset) and len(message.payload) <= 1024

    def next_request(self):
        """Return the next Message to send; token and message id are the endpoint's."""
        message = self._message
        if self._plain:
            return message
        options = list(message.options)
        payload = b""
        # A block option is NUM << 4 | M << 3 | SZX (section 2.2); NUM << 4 is offset >> SZX.
        if self._got or self._szx2 < 6:
            add_option(options, _BLOCK2, option_uint(self._got >> self._szx2 | self._szx2))
        if not self._got:
            sent = self._sent
            end = sent + (16 << self._szx)
            total = len(message.payload)
            payload = memoryview(message.payload)[sent:end]
            self._sending = len(payload)
            if sent or end < total:
                more = (end < total) << 3
                add_option(options, _BLOCK1, option_uint(sent >> self._szx | more | self._szx))
            if not sent and end < total:
                add_option(options, _SIZE1, option_uint(total))
        return Message(message.code, payload, options, message.type)

    def receive(self, response):
        """Return the response with its whole body, or None: go on with next_request().

        A response that is not of class 2 is returned as it is. Raises TransferError.
        """
        if self._plain:
            n = (response.option(_BLOCK1), response.option(_BLOCK2))
            if n == (None, None) and response.code != _CONTINUE:
                return response
            self._plain = False
            self._sending = len(self._message.payload)
        success = response.code >> 5 == 2
        if self._sending and self._upload(response, success):
            return
        if success and self._download(response):
            return
        return response

    def _upload(self, response, success):
        # Take the answer to one of our blocks; True if the body needs more requests.
        n = response.uint(_BLOCK1)
        if n is None:
            n = self._sent >> self._szx | self._szx  # libcoap leaves the echo out at the end
        if response.code == _INCOMPLETE and self._sent and not self._restarted:
            self._restarted = True
        elif response.code != _TOO_LARGE or n & 7 >= self._szx:
            if not success:
                return False
            # A smaller SZX does not change NUM: that echoes the block we sent.
            wrong = n >> 4 != self._sent >> self._szx + 4
            self._sent += self._sending
            self._sending = 0
            more = self._sent < len(self._message.payload)
            if wrong or response.code == _CONTINUE and not more:
                raise TransferError(_MISFIT)
            self._szx = min(self._szx, n & 7)
            return more
        self._szx = min(self._szx, n & 7)
        self._sent = 0
        return True

    def _download(self, response):
        # Take one block of the answer; True if there are more.
        n = response.uint(_BLOCK2)
        if n is None:
            n = self._szx2  # the only one
        payload = response.payload
        size = 16 << (n & 7)
        etag = response.option(_ETAG)
        total = response.uint(_SIZE2)
        if self._parts is None:
            self._etag = etag
            self._size = total
            self._parts = []
        got = self._got + len(payload)
        if (
            (n >> 4) * size != self._got
            or n & 7 > self._szx2
            or etag != self._etag
            or total not in (None, self._size)
            or (len(payload) != size if n & 8 else self._size not in (None, got))
        ):
            raise TransferError(_MISFIT)
        self._szx2 = n & 7
        self._got = got
        if max(got, self._size or 0) > self._max_body:
            raise TransferError("too large")
        if self._sink:
            self._sink(payload)
        else:
            self._parts.append(payload)
        if n & 8:
            return True
        response.payload = b"".join(self._parts)
