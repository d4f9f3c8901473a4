# Window, timers and round trips: how hard the endpoint presses a link.

from coap import ResetError
from coap.message import CON, NON
from peer import ACK, RST, Peer
from rows import rows


def test_window_starts_at_one_and_one_slot_is_kept():
    peer = Peer()
    _, sent = peer.request(NON, bulk=True)
    assert len(sent) == 1
    for _ in range(3):
        assert peer.request(NON, bulk=True)[1] == []  # the window is 1
    assert len(peer.request()[1]) == 1  # an RPC reply, say, has a slot of its own
    assert peer.request()[1] == []
    peer.receive(0x45, NON, sent[0].token, 1)
    assert peer.endpoint.window == 2


def test_window_grows_with_answers_up_to_its_limit():
    peer = Peer()
    waiting = []
    for _ in range(12):
        waiting += peer.request(NON, bulk=True)[1]
    most = 0
    while waiting:
        most = max(most, len(waiting))
        request = waiting.pop(0)
        waiting += peer.receive(0x45, NON, request.token, most)
    assert most == 3 == peer.endpoint.window
    assert len(peer.events()) == 12


@rows((8, 5), (5, 3), (3, 2), (2, 1), (1, 1))
def test_a_window_is_cut_once_however_many_of_it_were_lost(window, cut):
    peer = Peer(window_limit=8)
    peer.endpoint.window = window
    for _ in range(8):
        peer.request(NON, bulk=True)
    peer.wait(2000)
    assert peer.endpoint.window == cut
    assert peer.endpoint.retransmissions == cut  # the others wait for their turn


def test_empty_ack_frees_the_slot():
    peer = Peer()
    _, (first,) = peer.request()
    _, (second,) = peer.request()
    assert peer.request()[1] == []
    (third,) = peer.receive(message_id=first.message_id)
    assert third.token != second.token


def test_bulk_requests_are_repeated_with_a_new_message_id():
    peer = Peer()
    exchange, (request,) = peer.request(NON, bulk=True)
    ((time, again),) = peer.wait(2000)
    assert time == 2000
    assert again.token == request.token and again.message_id != request.message_id
    peer.receive(0x45, NON, request.token, 1)
    assert peer.outcome().code == 0x45


def test_timeout_of_bulk_requests_follows_the_round_trip():
    peer = Peer()
    for _ in range(20):
        _, (request,) = peer.request(NON, bulk=True)
        peer.now += 150
        peer.receive(0x45, NON, request.token, 1)
    start = peer.now
    peer.request(NON, bulk=True)
    ((time, _),) = peer.wait(300)
    assert time - start == 187  # and a quarter; a CON would wait a second


def test_four_silent_windows_fall_back_to_one_con():
    peer = Peer()
    for _ in range(6):
        _, sent = peer.request(NON, bulk=True)
        peer.now += 50
        for request in sent:
            peer.receive(0x45, NON, request.token, 1)
    for _ in range(3):
        peer.request(NON, bulk=True)
    sent = peer.wait(60000)
    types = [message.type for _, message in sent]
    assert types[0] == NON
    probe = types.index(CON)
    assert types[probe:] == [CON] * (len(types) - probe)
    token = sent[probe][1].token
    assert all(message.token == token for _, message in sent[probe:])
    # It is repeated as a CON is: the same message id, doubled pauses.
    assert len({message.message_id for _, message in sent[probe:]}) == 1
    first, second, third = [time for time, _ in sent[probe : probe + 3]]
    assert third - second == 2 * (second - first)
    # An answer to the probe opens the way for the others.
    peer.receive(0x45, CON, token, 2)
    assert peer.sent[-1].type == NON


def measured(rtt_ms=80, window=3):
    # A peer that knows the round trip, with three bulk requests sent 10 ms after one another.
    peer = Peer(window_limit=window)
    for _ in range(8):
        _, (request,) = peer.request(NON, bulk=True)
        peer.now += rtt_ms
        peer.receive(0x45, NON, request.token, 1)
    requests = []
    for _ in range(3):
        requests += peer.request(NON, bulk=True)[1]
        peer.now += 10
    peer.events()
    return peer, requests


def test_an_overtaken_bulk_request_has_a_quarter_of_a_round_trip_left():
    peer, (first, second, third) = measured()
    peer.wait(60)
    start = peer.now
    assert peer.receive(0x45, NON, second.token, 2) == []
    ((time, again),) = peer.wait(30)
    assert time - start == 20 and again.token == first.token
    assert again.message_id != first.message_id and peer.endpoint.window == 2
    # The late answer still counts, and that of the third is not a moment late.
    peer.receive(0x45, NON, first.token, 3)
    peer.receive(0x45, NON, third.token, 4)
    assert len(peer.events()) == 3 and peer.endpoint.retransmissions == 1


def test_what_was_overtaken_by_a_moment_is_not_lost():
    peer, requests = measured()
    peer.wait(60)
    for request in reversed(requests):
        assert peer.receive(0x45, NON, request.token, request.message_id) == []
        assert peer.wait(6) == []
    assert peer.endpoint.retransmissions == 0 and peer.endpoint.window == 3


def test_where_answers_come_late_often_the_wait_grows_up_to_a_round_trip():
    waits = []
    peer, _ = measured()
    peer.wait(120_000)
    for n in range(1, 9):
        peer.endpoint.window = 3
        requests = []
        for _ in range(3):
            requests += peer.request(NON, bulk=True)[1]
        peer.now += 80
        for request in requests[1:]:
            peer.receive(0x45, NON, request.token, n)
        start = peer.now
        waits.append(peer.wait(1000)[0][0] - start)
        # Both come: what was sent first, and what was sent again.
        for mid in (100, 200):
            peer.receive(0x45, NON, requests[0].token, mid + n)
        peer.wait(3000)
        peer.events()
    assert 15 < waits[0] < 30 and waits[-1] > 3 * waits[0]


def test_a_loss_that_was_seen_by_order_is_no_silence():
    peer, (first, second, third) = measured()
    peer.wait(70)
    peer.receive(0x45, NON, third.token, 2)
    sent = peer.wait(40)
    assert [message.token for _, message in sent] == [first.token, second.token]
    # The timeout of what follows is as it was.
    peer.receive(0x45, NON, first.token, 3)
    peer.receive(0x45, NON, second.token, 4)
    start = peer.now
    peer.request(NON, bulk=True)
    assert peer.wait(3000)[0][0] - start < 200


def test_an_answer_that_belongs_to_an_older_datagram_hurries_nobody():
    peer, (first, second, third) = measured(window=8)
    peer.wait(60)
    peer.receive(0x45, NON, second.token, 2)
    peer.wait(15)
    _, (fourth,) = peer.request(NON, bulk=True)
    start = peer.now
    assert [message.token for _, message in peer.wait(7)] == [first.token]  # again
    # The answer to the first datagram comes now, a moment after the fourth request went out.
    peer.receive(0x45, NON, first.token, 3)
    peer.receive(0x45, NON, third.token, 4)
    assert peer.wait(70) == []
    ((time, again),) = peer.wait(60)
    assert again.token == fourth.token and time - start == 100  # a round trip and a quarter


def test_an_empty_ack_of_a_block_leads_back_to_non():
    # Californium acknowledges a CON for a transfer that it forgot, and no more; a NON it resets.
    peer = Peer()
    exchange, (request,) = peer.request(NON, bulk=True)
    probe = None
    while not probe:
        for _, message in peer.wait(1000):
            if message.type == CON:
                probe = message
    assert peer.receive(0, ACK, message_id=probe.message_id) == []
    ((_, again),) = peer.wait(3000)
    assert again.type == NON and again.token == probe.token
    assert again.message_id != probe.message_id
    peer.receive(0, RST, message_id=again.message_id)
    assert isinstance(peer.outcome(), ResetError)


def test_ordinary_requests_are_not_repeated_when_overtaken():
    peer = Peer()
    _, (first,) = peer.request()
    _, (second,) = peer.request()
    assert peer.receive(0x41, ACK, second.token, second.message_id) == []


def test_no_round_trip_is_taken_from_a_repeated_message():
    peer = Peer()
    _, (request,) = peer.request()
    peer.wait(3000)
    peer.now += 5000
    peer.receive(0x41, ACK, request.token, request.message_id)
    # Karn: unmeasured, and the doubled timeout stays for the next request.
    start = peer.now
    peer.request()
    first = peer.wait(10000)[0][0] - start
    assert 4000 <= first <= 6000


def test_backed_off_timeout_ends_with_a_clean_round_trip():
    peer = Peer()
    _, (request,) = peer.request()
    peer.wait(10000)
    peer.receive(0x41, ACK, request.token, request.message_id)
    _, (request,) = peer.request()
    peer.now += 20
    peer.receive(0x41, ACK, request.token, request.message_id)
    start = peer.now
    peer.request()
    assert 1000 <= peer.wait(10000)[0][0] - start <= 1500


def test_late_answer_to_a_plain_non():
    peer = Peer()
    _, (request,) = peer.request(NON, timeout_ms=30000)
    assert peer.wait(20000) == []  # never repeated
    peer.receive(0x41, NON, request.token, 1)
    assert peer.outcome().code == 0x41
