# The endpoint over a link that loses, doubles, delays and reorders datagrams, with a clock that
# jumps from one event to the next: hours of traffic in a moment.

from chance import Chance
from coap.endpoint import Endpoint
from coap.message import CON, GET, NON, POST, Message, decode, option_uint

ACK, RST = 2, 3
OBSERVE = 6


class Server:
    """Answers POSTs in one of ThingsBoard's three styles; knows duplicates by message id alone."""

    def __init__(self, link, chance):
        self.link = link
        self.chance = chance
        self.seen = {}  # message id: datagrams sent for it
        self.handled = []  # payloads, in order
        self.mid = 0x8000
        self.waiting = {}  # message id of a CON of ours: (datagram, repetitions left)

    def receive(self, data):
        message = decode(data)
        if message.type in (ACK, RST):
            self.waiting.pop(message.message_id, None)
            return
        if message.message_id in self.seen:
            for datagram in self.seen[message.message_id]:
                self.link.down(datagram)
            return
        self.handled.append(bytes(message.payload))
        style = self.chance.below(3)
        ack = Message(type=ACK, message_id=message.message_id)
        if message.type == NON:
            answers = [self.response(message, NON)]
        elif style == 0:
            answers = [Message(0x41, message.payload, (), ACK, message.token, message.message_id)]
        elif style == 1:
            answers = [self.response(message, CON)]
        else:
            answers = [ack, self.response(message, CON)]
        self.seen[message.message_id] = [bytes(answer.encode()) for answer in answers]
        for datagram in self.seen[message.message_id]:
            self.link.down(datagram)

    def response(self, request, type):
        self.mid += 1
        response = Message(0x41, request.payload, (), type, request.token, self.mid & 0xFFFF)
        if type == CON:
            self.send_con(response)
        return response

    def send_con(self, message):
        # Repeats it every 2, 4, 8, 16 s until acknowledged.
        data = bytes(message.encode())
        self.waiting[message.message_id] = True

        def again(wait):
            if message.message_id in self.waiting and wait <= 16000:
                self.link.down(data)
                self.link.later(wait * 2, lambda: again(wait * 2))

        self.link.later(2000, lambda: again(2000))


class Link:
    """Carries datagrams between an Endpoint and a Server; time is an int that starts anywhere."""

    def __init__(self, seed, loss=0, double=0, jitter_ms=0, start=0):
        self.chance = Chance(seed)
        self.endpoint = Endpoint(self.chance.bytes)
        self.server = Server(self, self.chance)
        self.loss, self.double, self.jitter_ms = loss, double, jitter_ms
        self.now = start
        self.queue = []  # [time, order, function]
        self.order = 0
        self.sent = 0
        self.outcomes = {}  # exchange: outcomes, in order

    def later(self, ms, function):
        self.order += 1
        self.queue.append((self.now + ms, self.order, function))

    def carry(self, deliver):
        self.sent += 1
        if self.chance.below(100) < self.loss:
            return
        for _ in range(1 + (self.chance.below(100) < self.double)):
            self.later(20 + self.chance.below(self.jitter_ms + 1), deliver)

    def down(self, data):
        self.carry(lambda: self.endpoint.receive_datagram(data, self.ticks()))

    def ticks(self):
        return self.now & (1 << 30) - 1

    def request(self, message, **how):
        exchange = self.endpoint.request(message, self.ticks(), **how)
        self.outcomes[exchange] = []
        self.pump()
        return exchange

    def pump(self):
        while True:
            data = self.endpoint.next_datagram(self.ticks())
            if data is None:
                break
            copy = bytes(data)
            self.carry(lambda copy=copy: self.server.receive(copy))
        while True:
            event = self.endpoint.next_event()
            if event is None:
                return
            if event[1] is not None:
                self.outcomes[event[0]].append(event[1])

    def run(self, until_ms):
        end = self.now + until_ms
        while True:
            wait = self.endpoint.handle_timeout(self.ticks())
            self.pump()
            times = [entry[0] for entry in self.queue]
            if wait is not None:
                times.append(self.now + max(wait, 1))
            if not times or min(times) > end:
                self.now = end
                return
            self.now = max(self.now, min(times))
            due = sorted([e[:2] for e in self.queue if e[0] <= self.now])
            for key in due:
                for entry in self.queue:
                    if entry[:2] == key:
                        self.queue.remove(entry)
                        entry[2]()
                        break
            self.pump()


def post(n, type=CON):
    return Message(POST, b"%d" % n, [(11, b"a")], type)


def conversation(type=CON, bulk=False, number=40, **faults):
    # number requests, one in 4 s; returns the link and the exchanges in order.
    link = Link(**faults)
    exchanges = []
    for n in range(number):
        exchanges.append(link.request(post(n, type), bulk=bulk))
        link.run(4000)
    link.run(400_000)
    return link, exchanges


def test_a_clean_link_needs_no_repetition():
    link, exchanges = conversation(seed=1)
    assert [link.outcomes[e][0].payload for e in exchanges] == [b"%d" % n for n in range(40)]
    assert link.endpoint.retransmissions == link.endpoint.duplicates == 0
    assert link.endpoint.exchanges == []


def test_every_request_is_answered_once_whatever_the_link_does():
    for seed in range(1, 5):
        for faults in (
            {"loss": 10},
            {"double": 50},
            {"jitter_ms": 900},
            {"loss": 10, "double": 30, "jitter_ms": 900},
        ):
            link, exchanges = conversation(seed=seed, **faults)
            for n, exchange in enumerate(exchanges):
                (outcome,) = link.outcomes[exchange]
                assert outcome.payload == b"%d" % n, (seed, faults, n)
            # The server did each thing once: what we repeat keeps its message id.
            assert sorted(link.server.handled) == sorted([b"%d" % n for n in range(40)])
            assert link.endpoint.exchanges == []


def test_a_download_comes_whole_over_a_bad_link():
    for seed in (1, 2, 3):
        link = Link(seed, loss=10, double=10, jitter_ms=200)
        exchanges = [link.request(post(n, NON), timeout_ms=600_000, bulk=True) for n in range(64)]
        link.run(600_000)
        for n, exchange in enumerate(exchanges):
            (outcome,) = link.outcomes[exchange]
            assert outcome.payload == b"%d" % n


def test_a_download_survives_an_outage():
    link = Link(4)
    exchanges = [link.request(post(n, NON), timeout_ms=600_000, bulk=True) for n in range(32)]
    link.run(200)
    link.loss = 100
    sent = link.sent
    link.run(60_000)
    assert link.sent - sent < 25  # it probes, it does not hammer
    link.loss = 0
    link.run(120_000)
    assert all(len(link.outcomes[exchange]) == 1 for exchange in exchanges)


def test_silence_ends_every_request_with_a_timeout():
    link, exchanges = conversation(seed=5, number=10, loss=100)
    for exchange in exchanges:
        (outcome,) = link.outcomes[exchange]
        assert isinstance(outcome, OSError)
    # Congestion control: 10 requests share two places, each repeated with doubling pauses.
    assert link.sent < 40


def test_the_same_conversation_across_the_wrap_of_ticks():
    for start in ((1 << 30) - 20_000, (1 << 30) - 1):
        link, exchanges = conversation(seed=6, loss=10, jitter_ms=300, start=start)
        assert [link.outcomes[e][0].payload for e in exchanges] == [b"%d" % n for n in range(40)]


def test_no_notification_is_delivered_twice():
    link = Link(7, loss=20, double=40, jitter_ms=500)
    request = Message(GET, b"", [(OBSERVE, b""), (11, b"a")])
    exchange = link.endpoint.request(request, 0, observe=False)
    link.outcomes[exchange] = []
    link.endpoint.next_datagram(0)  # the registration; what follows answers it
    for n in range(50):
        link.server.mid += 1
        options = [(OBSERVE, option_uint(n))]
        message = Message(0x45, b"%d" % n, options, CON, exchange.token, link.server.mid)
        link.down(bytes(message.encode()))
        link.server.send_con(message)
        link.run(3000)
    link.run(60_000)
    heard = [int(outcome.payload) for outcome in link.outcomes[exchange]]
    assert sorted(heard) == list(range(50))
    assert link.endpoint.duplicates > 5
