# A body in blocks, both ways (RFC 7959), sans-I/O: send next_request(), hand its response to
# receive(), until that returns the answer.
#
#   phase      what next_request() has                  ends with
#   upload     one block of our body                    the answer to the last block
#   download   no payload; the block that is wanted     the last block of the answer's body
#
# Without a body of ours the upload is left out. While nothing asks for blocks a transfer is plain:
# the request goes out as it is, and the answer comes back as it is, unless the server talks of
# blocks in it.

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

# "block 3 of 64 bytes is not for byte 128"
_MISFIT = const("block %d of %d bytes is not for byte %d")


class TransferError(Exception):
    """The peer broke a body: blocks that do not fit together, or more than we take."""


def exponent(block_size):
    """Return SZX of the largest block that is no larger than this (RFC 7959 section 2.2)."""
    szx = 0
    while szx < 6 and 32 << szx <= block_size:
        szx += 1
    return szx


class Body:
    """What all blocks of an answer have to agree on.

    size is in bytes, if the peer told it with the first block.
    """

    size = None
    _etag = False  # before the first block; None: it has none

    def check(self, response, start, size, more):
        """Check a block of this size that begins at byte start. Raises TransferError."""
        end = start + len(response.payload)
        if more and end - start != size:
            raise TransferError("a block is not full")
        etag = response.option(_ETAG)
        total = response.uint(_SIZE2)
        if self._etag is False:
            self._etag = etag
            self.size = total
        if (
            etag != self._etag
            or total not in (None, self.size)
            or self.size
            and (end >= self.size if more else end != self.size)
        ):
            raise TransferError("the body changed on the way")


class Transfer:
    """One request whose body, or whose answer's body, may be larger than a block.

    message is the request with its whole body as payload. block_size (16 to 1024, rounded down to
    a power of two) is the largest we send and, when below 1024, what we ask the peer for; block_up
    is the largest we send where the way up takes less. The
    answer's body goes to sink(bytes) block by block, or is collected; more than max_body bytes
    end the transfer.
    """

    # Defaults stand in the class: an instance takes RAM only for what differs.
    _sent = 0  # bytes of our body which the peer has
    _got = 0  # bytes of the answer's body which we have
    _restarted = False  # after a 4.08: once only

    def __init__(self, message, block_size=1024, sink=None, max_body=16384, block_up=1024):
        szx = exponent(block_size)
        self.message = message
        self._our_szx = exponent(min(block_size, block_up))  # of the blocks we send
        self._their_szx = szx  # of the largest we take
        self._body = Body()  # of the answer
        self._parts = []
        self.sink = sink
        self.max_body = max_body
        self._plain = szx == 6 and not sink and len(message.payload) <= 16 << self._our_szx
        self._uploading = len(message.payload) > 0  # the phase

    def next_request(self):
        """Return the next Message to send; token and message id are the endpoint's."""
        message = self.message
        if self._plain:
            return message
        options = list(message.options)
        payload = b""
        # A block option is NUM << 4 | M << 3 | SZX (section 2.2); NUM << 4 is offset >> SZX.
        if self._got or self._their_szx < 6:
            add_option(
                options, _BLOCK2, option_uint(self._got >> self._their_szx | self._their_szx)
            )
        if self._uploading:
            sent = self._sent
            szx = self._our_szx
            end = sent + (16 << szx)
            total = len(message.payload)
            payload = memoryview(message.payload)[sent:end]
            if sent or end < total:
                more = (end < total) << 3
                add_option(options, _BLOCK1, option_uint(sent >> szx | more | szx))
            if not sent and end < total:
                add_option(options, _SIZE1, option_uint(total))
        return Message(message.code, payload, options, message.type)

    def receive(self, response):
        """Return the response with its whole body, or None: go on with next_request().

        A response that is not of class 2 is returned as it is. Raises TransferError.
        """
        if self._plain:
            if (
                response.option(_BLOCK1) is None
                and response.option(_BLOCK2) is None
                and response.code != _CONTINUE
            ):
                return response
            self._plain = False
        if self._uploading and self._upload(response):
            return
        if response.code >> 5 == 2 and self._download(response):
            return
        return response

    def _upload(self, response):
        # Take the answer to one of our blocks; return whether there are more to send.
        code = response.code
        ours = self._sent >> self._our_szx + 4
        # libcoap leaves the echo out of its last answer.
        num, _, szx = block_of(response, _BLOCK1, ours, self._our_szx)
        smaller = szx < self._our_szx
        again = code == _INCOMPLETE and self._sent and not self._restarted
        if again:
            self._restarted = True
        elif code == _TOO_LARGE:
            again = smaller
        if again:
            self._sent = 0
        elif code >> 5 != 2:
            return False
        else:
            size = 16 << self._our_szx
            if num != ours:
                raise TransferError(_MISFIT % (num, size, self._sent))
            self._sent += size
        if smaller:
            self._our_szx = szx
        if self._sent < len(self.message.payload):
            return True
        if code == _CONTINUE:
            raise TransferError("2.31 after the last block")
        self._uploading = False
        return False

    def _download(self, response):
        # Take one block of the answer; return whether there are more.
        num, more, szx = block_of(response, _BLOCK2, 0, self._their_szx)
        payload = response.payload
        size = 16 << szx
        if szx > self._their_szx or num * size != self._got:
            raise TransferError(_MISFIT % (num, size, self._got))
        self._body.check(response, self._got, size, more)
        self._their_szx = szx
        self._got += len(payload)
        if max(self._got, self._body.size or 0) > self.max_body:
            raise TransferError("the body is over max_body")
        if self.sink:
            self.sink(payload)
        else:
            self._parts.append(payload)
        if more:
            return True
        response.payload = b"".join(self._parts)


def block_of(response, number, num, szx):
    """Return num, more and szx of a block option; without it those given, and no more."""
    n = response.uint(number)
    if n is None:
        return num, 0, szx
    n = min(n, 0xFFFFFF)  # more than 3 bytes stand for a block that fits nowhere
    return n >> 4, n & 8, n & 7
