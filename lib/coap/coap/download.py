# A large body by its blocks, several of them under way at a time (RFC 7959), sans-I/O.
#
#   state     what is asked for                            next state
#   opening   block 0, alone                               open, with its answer
#   open      the blocks of the window, from offset on;    opening, when the server forgot the
#             the last one when all before it are there    transfer: a Reset, 4.xx, a wrong block
#
# Block 0 makes the transfer on the server, tells how long the body is, and the caller where to go
# on. Californium (ThingsBoard) then answers any block in any order, until it forgets the transfer:
# with the last block, after 300 s, by a restart. A server that forgets again soon does not bear
# several blocks under way: it is asked for one at a time.

from micropython import const

from .block import Body, TransferError, exponent
from .endpoint import ResetError, ResponseError
from .message import Message, add_option, option_uint

_BLOCK2 = const(23)

_SOON = const(16)  # blocks: a transfer that gave less before it was forgotten is none to rely on


class Download:
    """One body on its way.

    message is the request for it. window is how many blocks may be under way or wait for their
    turn; block_size (16 to 1024) is what we ask for, and window * block_size bytes are allocated.
    size is the body's in bytes; while it is None, and the server does not tell it, one block is
    under way at a time.
    """

    offset = 0  # of the body: what is before it need not come
    _open = False  # the state
    _came = 0  # blocks since it was opened, without block 0
    _lapses = 0  # how often the server forgot soon, in a row

    def __init__(self, message, window, block_size=1024, size=None):
        self.message = message
        self.window = window
        self.size = size
        self.under_way = {}  # what the caller knows a request by: the number of its block
        self._body = Body()
        self._szx = exponent(block_size)
        self._room = bytearray(window << self._szx + 4)  # block n is at n modulo window
        self._held = {}  # number of a block that waits for its turn: its bytes

    def next_block(self):
        """Return the number of a block to ask for, or None; put it into under_way then.

        With nothing under way None means that the body has come to its end.
        """
        if not self._open:
            return None if self.under_way else 0
        if self.size is not None and self.offset >= self.size:
            return None
        shift = self._szx + 4
        first = self.offset >> shift
        last = first if self.size is None else self.size - 1 >> shift
        end = last if first < last else last + 1  # the last one is asked for alone
        asked = self.under_way.values()
        for num in range(first, min(first + self.window, end)):
            if num not in self._held and num not in asked:
                return num

    def request(self, num):
        """Return the Message that asks for a block."""
        options = list(self.message.options)
        add_option(options, _BLOCK2, option_uint(num << 4 | self._szx))
        return Message(self.message.code, b"", options, self.message.type)

    def receive(self, key, outcome):
        """Take a Message, or the exception that ended a request.

        Returns the keys of requests that are of no use any more. Raises that exception,
        ResponseError, or TransferError for blocks that do not fit together.
        """
        num = self.under_way.pop(key, None)
        if num is None:
            return ()
        try:
            if not isinstance(outcome, Message):
                raise outcome
            if outcome.code >> 5 != 2:
                raise ResponseError(outcome)
            return self._take(num, outcome)
        except (ResetError, ResponseError, TransferError) as error:
            if not num or getattr(error, "code", 0) >> 5 == 5:
                raise
            self._forgotten(error)
            return self._drop()

    def next_data(self):
        """Return (where it begins in the body, bytes) of the block that holds offset, or None.

        offset goes on behind it. The bytes are good until the next receive().
        """
        num = self.offset >> self._szx + 4
        n = self._held.pop(num, None)
        if n is not None:
            at = self._place(num)
            start = num << self._szx + 4
            self.offset = start + n
            return start, memoryview(self._room)[at : at + n]

    def _take(self, num, response):
        # Keep a block; return the keys of what has to be asked for in another size now.
        start = num << self._szx + 4
        more, szx = self._body.check(response, start, self._szx)
        payload = response.payload
        if len(payload) > 16 << szx:
            raise TransferError("a block is too long")
        if self._body.size:
            self.size = self._body.size
        elif not more:
            self.size = start + len(payload)
        if self._open:
            self._came += 1
        self._open = True
        stale = ()
        if szx < self._szx:
            self._szx = szx
            self._held.clear()
            stale = self._drop()
        num = start >> szx + 4
        if 0 <= num - (self.offset >> szx + 4) < self.window:
            at = self._place(num)
            self._room[at : at + len(payload)] = payload
            self._held[num] = len(payload)
        return stale

    def _place(self, num):
        return num % self.window << self._szx + 4

    def _forgotten(self, error):
        if self._came >= _SOON:
            self._lapses = 0
        self._lapses += 1
        if self._lapses > 1:
            if self.window == 1 and not self._came:
                raise error
            self.window = 1
            self._held.clear()
        self._open = False
        self._came = 0

    def _drop(self):
        keys = list(self.under_way)
        self.under_way.clear()
        return keys
