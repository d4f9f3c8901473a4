# A body in blocks, both ways (RFC 7959), sans-I/O: the caller sends next_request() and hands the response to receive().

from micropython import const

from .message import (
    BLOCK1,
    BLOCK2,
    CONTINUE,
    ETAG,
    INCOMPLETE,
    SIZE1,
    SIZE2,
    TOO_LARGE,
    Message,
    option_uint,
)

_MAX_NUM = const(0xFFFFF)  # 20 bits, section 2.2


class TransferError(Exception):
    """The peer broke a body: blocks that do not fit together, or more than we take."""


class Transfer:
    """One request whose body, or whose answer's body, may be larger than a block.

    message is the request with its whole body as payload; block_size (16 to 1024, a power of two) is the
    largest we send and, when below 1024, what we ask the peer for. The answer's body goes to sink(bytes)
    block by block, or is collected; more than max_body bytes (None: no limit) end the transfer.
    """

    def __init__(self, message, block_size=1024, sink=None, max_body=16384):
        self._message = message
        self._body = memoryview(message.payload)
        self._szx = self._szx2 = _szx(block_size)  # of our blocks; the most we take of the peer's
        self._sink = sink
        self._max_body = max_body
        self._restarted = False  # after a 4.08: once only
        self._sent = 0  # bytes of our body which the peer has
        self._sending = 0  # bytes of it in the request under way
        self._etag = self._size = None  # of the answer, from its first block
        self._got = 0  # bytes of the answer's body
        self._parts = []

    def next_request(self):
        """Return the next Message to send; token and message id are the endpoint's."""
        message = self._message
        options = list(message.options)
        payload = b""
        szx = self._szx
        size = 16 << szx
        if self._got:
            options.append((BLOCK2, _block(self._got, 0, self._szx2)))
        else:
            if self._szx2 < 6:
                options.append((BLOCK2, _block(0, 0, self._szx2)))
            total = len(self._body)
            payload = self._body[self._sent : self._sent + size]
            self._sending = len(payload)
            if total > size or self._sent:
                options.append((BLOCK1, _block(self._sent, self._sent + size < total, szx)))
                if not self._sent:
                    options.append((SIZE1, option_uint(total)))
        return Message(message.code, payload, options, message.type)

    def receive(self, response):
        """Return the final response, with the whole body unless there is a sink; None to go on.

        A response not of class 2 is final. Raises TransferError.
        """
        code = response.code
        if not self._got and self._sending + self._sent:
            block = _parse(response, BLOCK1)
            if code == TOO_LARGE and block and block[2] < self._szx:
                self._szx = block[2]
                self._sent = 0
                return
            if code == INCOMPLETE and self._sent and not self._restarted:
                self._restarted = True
                self._sent = 0
                return
            if code < 0x60 and self._uploaded(code, block):
                return
        if code >= 0x60:
            return response
        return self._downloaded(response)

    def _uploaded(self, code, block):
        # True if more of our body is to be sent.
        if block and block[0] << self._szx + 4 != self._sent:
            # A smaller SZX in the answer does not change NUM: it echoes the block we sent.
            raise TransferError("answer to another block")
        self._sent += self._sending
        self._sending = 0
        left = self._sent < len(self._body)
        if left and not block or code == CONTINUE and not left:
            raise TransferError("the body was not taken whole")
        if left:
            self._szx = min(self._szx, block[2])
        return left

    def _downloaded(self, response):
        block = _parse(response, BLOCK2)
        payload = response.payload
        more = False
        if block:
            num, more, szx = block
            size = 16 << szx
            first = not self._got
            if num << szx + 4 != self._got or szx > self._szx2:
                raise TransferError("not the block that was asked for")
            self._szx2 = szx
            if len(payload) > size or more and len(payload) < size:
                raise TransferError("block of a wrong length")
            etag = response.option(ETAG)
            total = response.uint(SIZE2)
            if first:
                self._etag = etag
                self._size = total
            elif etag != self._etag or total not in (None, self._size):
                raise TransferError("the body changed on the way")
        elif self._got:
            raise TransferError("not the block that was asked for")
        self._got += len(payload)
        limit = self._max_body
        if limit is not None and max(self._got, self._size or 0) > limit:
            raise TransferError("body of more than %d bytes" % limit)
        if self._sink:
            self._sink(payload)
        else:
            self._parts.append(payload)
        if more:
            return
        if self._size not in (None, self._got):
            raise TransferError("body shorter or longer than announced")
        response.payload = b"".join(self._parts)
        return response


def _szx(size):
    for szx in range(7):
        if size == 16 << szx:
            return szx
    raise ValueError("block size is 16, 32, ... 1024")


def _block(offset, more, szx):
    num = offset >> szx + 4
    if num > _MAX_NUM:
        raise TransferError("body of more than 2**20 blocks")
    return option_uint(num << 4 | more << 3 | szx)


def _parse(message, number):
    # (num, more, szx), or None without the option.
    value = message.option(number)
    if value is None:
        return None
    n = int.from_bytes(value, "big")
    if len(value) > 3 or n & 7 == 7:
        raise TransferError("no block option")
    return n >> 4, bool(n & 8), n & 7
