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

from .block import Body, TransferError, block_of, exponent
from .endpoint import ResponseError
from .message import Message, add_option, option_uint

_BLOCK2 = const(23)

_SOON = const(16)  # blocks: a transfer that gave less before it was forgotten is none to rely on


class Download:
    """One body on its way.

    message is the request for it. window is how many blocks may be under way or wait for their
    turn; block_size (16 to 1024) is what we ask for, so their product is the most that is held.
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
        self.under_way = []  # the numbers of the blocks that were asked for
        self._body = Body()
        self._szx = exponent(block_size)
        self._held = {}  # number of a block that waits for its turn: its bytes, as they came

    def next_request(self):
        """Return the Message that asks for the next block, or None.

        With nothing under way None means that the body has come to its end.
        """
        shift = self._szx + 4
        first = last = self.offset >> shift
        if not self._open:
            first = last = 0
        elif self.size is not None:
            if self.offset >= self.size:
                return
            last = self.size - 1 >> shift
        end = last if first < last else last + 1  # the last one is asked for alone
        for num in range(first, min(first + self.window, end)):
            if num not in self._held and num not in self.under_way:
                self.under_way.append(num)
                options = list(self.message.options)
                add_option(options, _BLOCK2, option_uint(num << 4 | self._szx))
                return Message(self.message.code, b"", options, self.message.type)

    def receive(self, message):
        """Take an answer; return whether what else is under way is of no use any more.

        Raises ResponseError, TransferError.
        """
        if message.code >> 5 != 2:
            raise ResponseError(message)
        num, more, szx = block_of(message, _BLOCK2, 0, self._szx)
        size = 16 << szx
        start = num * size
        asked = start >> self._szx + 4
        n = len(message.payload)
        fits = szx <= self._szx and asked << self._szx + 4 == start and n <= size
        if not fits or asked not in self.under_way:
            raise TransferError("a block that was not asked for")
        self._body.check(message, start, size, more)
        self.under_way.remove(asked)
        self.size = self._body.size or (self.size if more else start + n)
        if self._open:
            self._came += 1
        self._open = True
        smaller = szx < self._szx
        if smaller:
            self._szx = szx
            self._held.clear()
            self.under_way.clear()
        first = self.offset >> szx + 4
        if first <= num < first + self.window:
            self._held[num] = message.payload
        for other in list(self._held):
            if other < first:  # the caller had it from elsewhere
                del self._held[other]
        return smaller

    def narrow(self):
        """Have one block under way from now on, and hold none that waits: memory is short."""
        self.window = 1
        self._held.clear()
        self.under_way.clear()

    def forgotten(self, error):
        """Begin anew with block 0, or raise what receive() raised, or a ResetError.

        It is raised if it is the answer to block 0 or of a server that is busy (5.xx), or if the
        server never gives another block than that.
        """
        if self._came >= _SOON:
            self._lapses = 0
        self._lapses += 1
        busy = getattr(error, "code", 0) >> 5 == 5
        if busy or not self._open or self._lapses > 2 and not self._came:
            raise error
        if self._lapses > 1:
            self.window = 1
            self._held.clear()
        self._open = False
        self._came = 0
        self.under_way.clear()
        return True

    def next_data(self):
        """Return (where it begins in the body, bytes) of the block that holds offset, or None.

        offset goes on behind it.
        """
        num = self.offset >> self._szx + 4
        data = self._held.pop(num, None)
        if data is not None:
            start = num << self._szx + 4
            self.offset = start + len(data)
            return start, data
