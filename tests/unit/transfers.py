"""A download over a path with a clock that jumps: what it takes, in milliseconds and datagrams."""

from coap import NON, ResetError, ResponseError, TransferError
from coap.download import Download
from coap.endpoint import Endpoint
from coap.message import GET, Message, decode, option_uint
from fakes import Chance

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


class Path:
    """Carries a download between an Endpoint and a Server.

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
        self.order = self.carried = self.lost = self.dropped = 0
        self.then = {}  # number of requests: what happens before it is answered

    def carry(self, up, data):
        self.carried += 1
        if self.chance.below(1000) < self.loss * 10:
            self.lost += 1
            return
        self.order += 1
        at = self.now + self.rtt_ms // 2 + self.chance.below(self.jitter_ms + 1)
        self.way.append((at, self.order, up, bytes(data)))

    def download(self, window, pause=False, limit_ms=3600_000, block_size=BLOCK):
        """Return the bytes that came; raises what ends a download."""
        self.endpoint = endpoint = Endpoint(self.chance.bytes, window_limit=window)
        it = Download(Message(GET, b"", [(11, b"fw")], NON), window, block_size)
        got = bytearray()
        queue = []  # of the socket
        inbox = []

        def ask():
            while request := it.next_request():
                endpoint.request(request, self.now, bulk=True)
            while datagram := endpoint.next_datagram(self.now):
                self.carry(True, datagram)

        while len(got) < len(self.server.body):
            # What downloading.download() does, and Client.
            while event := endpoint.next_event():
                inbox.append(event[1])
            if inbox:
                try:
                    outcome = inbox.pop(0)
                    if isinstance(outcome, Exception):
                        raise outcome
                    stale = it.receive(outcome)
                except (ResetError, ResponseError, TransferError) as error:
                    stale = it.forgotten(error)
                if stale:
                    for exchange in list(endpoint.exchanges):
                        endpoint.cancel(exchange)
                    inbox.clear()
            while not (pause and it.under_way) and (data := it.next_data()):
                if data[0] and not pause:
                    ask()
                before = len(got) // FLUSH
                assert data[0] == len(got)
                got.extend(data[1])
                if len(got) // FLUSH > before:
                    self._stall(queue)
            ask()
            if not (queue or inbox or len(got) == len(self.server.body)):
                times = [at for at, *_ in self.way]
                times.append(self.now + endpoint.handle_timeout(self.now))
                self._arrive(min(times), queue)
                assert self.now < limit_ms
            if queue:
                endpoint.receive_datagram(queue.pop(0), self.now)
        return bytes(got)

    def _stall(self, queue):
        # The flash works; a socket that is not deaf fills.
        end = self.now + self.flash_ms
        while self.way and min(self.way)[0] <= end:
            self._arrive(min(self.way)[0], queue, self.deaf)
        self.now = end

    def _arrive(self, until, queue, deaf=False):
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
                elif deaf or len(queue) >= self.room:
                    self.dropped += 1
                else:
                    queue.append(entry[3])
