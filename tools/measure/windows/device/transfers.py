"""A download over a path with a clock that jumps: what it takes, in milliseconds and datagrams."""

import asyncio

from chance import Chance
from coap import NON
from coap.downloading import download
from coap.endpoint import Endpoint
from coap.message import Message, decode, option_uint

BLOCK = 1024
ACK, RST = 2, 3
BLOCK2, SIZE2 = 23, 28
FLUSH = 4096  # bytes after which the flash is erased


class Server:
    """The /fw of ThingsBoard, as Californium answers it: a transfer is made by block 0."""

    def __init__(self, body):
        self.body = body
        self.known = False  # whether there is a transfer
        self.asked = []  # numbers of blocks
        self.mid = 0

    def answer(self, data):
        """Return the datagram that answers one."""
        request = decode(data)
        block = request.uint(BLOCK2)
        num, size = block >> 4, 16 << (block & 7)
        self.asked.append(num)
        if num and not self.known:
            kind = ACK if request.type == 0 else RST
            return bytes(Message(0, type=kind, message_id=request.message_id).encode())
        more = (num + 1) * size < len(self.body)
        self.known = more
        options = [(BLOCK2, option_uint(num << 4 | more << 3 | block & 7))]
        if not num:
            options.append((SIZE2, option_uint(len(self.body))))
        payload = self.body[num * size : (num + 1) * size]
        kind, mid = NON, self.mid
        self.mid += 1
        if request.type == 0:
            kind, mid = ACK, request.message_id
        return bytes(Message(0x45, payload, options, kind, request.token, mid).encode())


class Body:
    """What a download feeds; each FLUSH bytes flushed() is called."""

    size = None  # the server tells it

    def __init__(self, flushed):
        self.offset = 0
        self.data = bytearray()
        self.flushed = flushed

    def feed(self, offset, data):
        assert offset == self.offset
        self.data.extend(data)
        self.offset += len(data)
        if self.offset // FLUSH > offset // FLUSH:
            self.flushed()


class Path:
    """Carries a download between an Endpoint and a Server, in the place of a Client.

    loss: per cent each way. jitter_ms: how much later than half of rtt_ms a datagram may come, so
    that some overtake others. room: datagrams that the receiver's socket keeps while it is busy.
    flash_ms: how long it is, each 4 KiB; deaf: what comes meanwhile is lost, too.
    """

    def __init__(
        self, seed, body, rtt_ms=50, loss=0, jitter_ms=0, room=99, flash_ms=0, deaf=False
    ):
        self.chance = Chance(seed)
        self.server = Server(body)
        self.rtt_ms, self.loss, self.jitter_ms = rtt_ms, loss, jitter_ms
        self.room, self.flash_ms, self.deaf = room, flash_ms, deaf
        self.now = 0
        self.way = []  # [time, order, whether to the server, datagram]
        self.queue = []  # of the receiver's socket
        self.order = self.carried = self.lost = self.dropped = 0
        self.then = {}  # number of requests: what happens before it is answered

    def download(self, window, pause=False, limit_ms=3600_000, block_size=BLOCK):
        """Return the bytes that came; raises what ends a download."""
        self.endpoint = Endpoint(self.chance.bytes, window_limit=window)
        self.window_limit = window
        body = Body(self._stall)
        loop = asyncio.new_event_loop()
        try:
            it = download(self, ("fw",), (), body, None, block_size, pause)
            loop.run_until_complete(self._attend(it, limit_ms))
        finally:
            loop.close()
        return bytes(body.data)

    def start(self, message, timeout_ms, receiver, observe=None, bulk=False):
        exchange = self.endpoint.request(message, self.now, timeout_ms, observe, bulk, receiver)
        self._pump()
        return exchange

    def cancel(self, exchange):
        self.endpoint.cancel(exchange)
        self._pump()

    def carry(self, up, data):
        self.carried += 1
        if self.chance.below(1000) < self.loss * 10:
            self.lost += 1
            return
        self.order += 1
        at = self.now + self.rtt_ms // 2 + self.chance.below(self.jitter_ms + 1)
        self.way.append((at, self.order, up, bytes(data)))

    async def _attend(self, it, limit_ms):
        task = asyncio.create_task(it)
        try:
            while True:
                await asyncio.sleep(0)  # the download does all that it can
                if task.done():
                    return await task
                if not self.queue:
                    times = [at for at, *_ in self.way]
                    times.append(self.now + self.endpoint.handle_timeout(self.now))
                    self._arrive(min(times))
                    assert self.now < limit_ms
                if self.queue:
                    self.endpoint.receive_datagram(self.queue.pop(0), self.now)
                self._pump()
        finally:
            task.cancel()

    def _pump(self):
        while event := self.endpoint.next_event():
            event[0].receiver.receive(event[0], event[1])
        while datagram := self.endpoint.next_datagram(self.now):
            self.carry(True, datagram)

    def _stall(self):
        # The flash works; a socket that is not deaf fills.
        end = self.now + self.flash_ms
        while self.way and min(self.way)[0] <= end:
            self._arrive(min(self.way)[0], self.deaf)
        self.now = end

    def _arrive(self, until, deaf=False):
        # Let the time pass; hand what arrives to the server, or to the socket.
        self.now = until
        for entry in sorted(self.way):
            if entry[0] <= until:
                self.way.remove(entry)
                if entry[2]:
                    n = len(self.server.asked)
                    if n in self.then:
                        self.then.pop(n)()
                    self.carry(False, self.server.answer(entry[3]))
                elif deaf or len(self.queue) >= self.room:
                    self.dropped += 1
                else:
                    self.queue.append(entry[3])
