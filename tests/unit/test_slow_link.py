# Round trips that are longer than the time a request is given: by satellite, by a sleeping modem.

from coap.message import CON, GET, POST
from peer import ACK, RST, Peer, notification
from rows import rows


class SlowPeer(Peer):
    """A peer whose server answers each datagram one round trip later; it knows repetitions."""

    def __init__(self, trip_ms):
        super().__init__()
        self.trip_ms = trip_ms
        self.due = []  # (when, message)
        self.posts = set()  # message ids of distinct requests that arrived

    def spend(self, ms):
        """Let time pass on the link; return the outcomes."""
        events = []
        for _ in range(ms // 100):
            for message in self.pump() + [message for _, message in self.wait(100)]:
                if message.type == CON and message.code:
                    self.due.append((self.now + self.trip_ms, message))
                    self.posts.add(message.message_id)
            while self.due and self.due[0][0] <= self.now:
                _, message = self.due.pop(0)
                for sent in self.receive(0x44, ACK, message.token, message.message_id):
                    self.due.append((self.now + self.trip_ms, sent))
                    self.posts.add(sent.message_id)
            events += self.events()
        return events


@rows(22_000, 25_000, 40_000)
def test_the_time_for_a_request_follows_the_link(trip_ms):
    peer = SlowPeer(trip_ms)
    given_up = answered = 0
    while answered < 10:
        exchange, sent = peer.request(code=POST, timeout_ms=20_000)
        for message in sent:
            peer.due.append((peer.now + trip_ms, message))
            peer.posts.add(message.message_id)
        events = []
        while not events:
            events = peer.spend(1000)
        ((_, outcome),) = events
        if isinstance(outcome, OSError):
            given_up += 1
        else:
            answered += 1
    assert given_up <= 2
    repeated = peer.endpoint.retransmissions
    assert len(peer.posts) == given_up + 10
    for _ in range(5):
        _, sent = peer.request(code=POST, timeout_ms=20_000)
        peer.due.append((peer.now + trip_ms, sent[0]))
        while not peer.spend(1000):
            pass
    assert peer.endpoint.retransmissions == repeated  # nothing is sent twice any more
    assert peer.endpoint.unexpected == 0


def given_up(observe=None, code=POST, **how):
    peer = Peer()
    _, (request,) = peer.request(code=code, observe=observe, timeout_ms=20_000, **how)
    peer.wait(20_000)
    assert len(peer.events()) == 1
    peer.now += 5000
    return peer, request


def test_a_late_answer_is_acknowledged_and_proves_that_the_server_is_there():
    peer, request = given_up()
    (ack,) = peer.receive(0x44, CON, request.token, 9)
    assert ack.type == ACK and ack.message_id == 9
    assert peer.endpoint.heard == 1 and peer.endpoint.unexpected == 0 and peer.events() == []


def test_an_observation_that_was_given_up_is_still_refused_but_teaches():
    peer, request = given_up(observe=True, code=GET)
    (reset,) = peer.receive(type=CON, token=request.token, message_id=9, **notification(1))
    assert reset.type == RST
    exchange, _ = peer.request(timeout_ms=20_000)
    assert exchange.deadline - peer.now > 25_000


def test_a_late_answer_gives_more_time_to_what_is_under_way():
    peer, request = given_up()
    exchange, _ = peer.request(timeout_ms=20_000)
    before = exchange.deadline
    peer.receive(0x44, ACK, request.token, request.message_id)
    assert before < exchange.deadline <= peer.now + 93_000


def test_a_second_answer_shows_that_a_repetition_came_too_early():
    peer = Peer()
    _, (request,) = peer.request()
    peer.wait(9000)  # repeated twice, the answer is 9 s away
    for _ in range(3):
        peer.receive(0x41, ACK, request.token, request.message_id)
    assert len(peer.events()) == 1
    start = peer.now
    peer.request()
    assert peer.wait(60_000)[0][0] - start > 9000


def test_what_is_remembered_is_bounded():
    peer = Peer()
    tokens = []
    for _ in range(9):
        _, sent = peer.request(timeout_ms=1000)
        tokens.append(sent[0].token)
        peer.wait(1000)
        peer.events()
    types = [peer.receive(0x44, CON, token, n)[0].type for n, token in enumerate(tokens)]
    assert types == [RST] * 5 + [ACK] * 4


def test_an_answer_of_days_later_tells_nothing():
    peer, request = given_up()
    peer.wait(86_400_000)
    peer.receive(0x44, ACK, request.token, request.message_id)
    exchange, _ = peer.request(timeout_ms=20_000)
    assert exchange.deadline - peer.now == 20_000


def test_blocks_shrink_when_large_requests_are_silent():
    peer = Peer()
    sizes = []
    for _ in range(6):
        message_size = peer.endpoint.block_size
        peer.request(code=GET, observe=True, timeout_ms=1000)
        peer.wait(1000)
        peer.events()
        sizes.append(message_size)
    assert sizes == [1024, 1024, 512, 512, 256, 256] and peer.endpoint.block_size == 128


def test_small_requests_and_pings_say_nothing_of_the_size():
    peer = Peer()
    for _ in range(6):
        for code in (POST, 0):
            peer.request(code=code, timeout_ms=1000)
            peer.wait(1000)
    assert peer.endpoint.block_size == 1024


def test_large_answers_let_blocks_grow():
    peer = Peer()
    for _ in range(6):
        peer.endpoint.blocks.failed()
    for size in (128, 256, 512):
        for _ in range(4):
            assert peer.endpoint.block_size == size
            _, (request,) = peer.request(code=GET)
            peer.receive(0x45, ACK, request.token, request.message_id, payload=b"x" * size)
    assert peer.endpoint.block_size == 1024
