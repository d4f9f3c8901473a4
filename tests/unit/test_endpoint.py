# The message and request layers against a server made of bytes, with a clock that the test moves.

import errno

from coap.endpoint import ResetError, ResponseError, ticks_diff
from coap.message import CON, GET, NON
from peer import ACK, OBSERVE, RST, Peer, notification

HOUR_MS = 3600_000  # an endpoint with nothing to do


def test_ticks_wrap():
    period = 1 << 30
    assert ticks_diff(5, 3) == 2 and ticks_diff(3, 5) == -2
    assert ticks_diff(10, period - 10) == 20
    assert ticks_diff(period - 10, 10) == -20
    assert ticks_diff(period + 10, period - 10) == 20  # a deadline is not wrapped when it is made


def test_piggybacked_response():
    peer = Peer()
    exchange, (request,) = peer.request()
    assert request.type == CON and len(request.token) == 4
    assert peer.receive(0x41, ACK, request.token, request.message_id) == []
    assert peer.outcome().code == 0x41
    assert peer.endpoint.handle_timeout(peer.now) == HOUR_MS and peer.wait(100000) == []


def test_separate_response():
    peer = Peer()
    exchange, (request,) = peer.request()
    assert peer.receive(message_id=request.message_id) == []
    assert peer.events() == []
    assert peer.wait(30000) == []  # no more repetitions
    (ack,) = peer.receive(0x41, CON, request.token, 77)
    assert (ack.type, ack.code, ack.message_id, ack.token) == (ACK, 0, 77, b"")
    assert peer.outcome().code == 0x41


def test_separate_response_before_its_ack():
    peer = Peer()
    _, (request,) = peer.request()
    peer.receive(0x41, CON, request.token, 77)
    assert peer.outcome().code == 0x41
    assert peer.receive(message_id=request.message_id) == []  # the late ACK
    assert peer.events() == []


def test_con_response_without_any_ack():
    # ThingsBoard's way: the response stands for the acknowledgement.
    peer = Peer()
    _, (request,) = peer.request()
    (ack,) = peer.receive(0x41, CON, request.token, 0x43B1)
    assert ack.message_id == 0x43B1
    assert peer.wait(100000) == []


def test_non_request_and_response():
    peer = Peer()
    _, (request,) = peer.request(NON)
    assert request.type == NON
    assert peer.receive(0x41, NON, request.token, 9) == []
    assert peer.outcome().code == 0x41


def test_retransmission_times():
    peer = Peer()
    _, (request,) = peer.request()
    times = []
    for time, message in peer.wait(100000):
        times.append(time)
        assert message.encode() == request.encode()  # the same message, id and token included
    gaps = [b - a for a, b in zip([0] + times, times)]
    assert 2000 <= gaps[0] <= 3000
    for a, b in zip(gaps, gaps[1:]):
        assert b == 2 * a
    error = peer.outcome()
    assert error.args[0] == errno.ETIMEDOUT
    assert peer.endpoint.retransmissions == len(times) == 5


def test_gives_up_by_time_not_by_number():
    peer = Peer()
    # Round trips of 10 ms: the first timeout falls to its floor of 1 s.
    for _ in range(5):
        _, (request,) = peer.request()
        peer.now += 10
        peer.receive(0x41, ACK, request.token, request.message_id)
    peer.events()
    start = peer.now
    peer.request()
    times = [time for time, _ in peer.wait(92900)]
    assert peer.events() == []
    assert 1000 <= times[0] - start <= 1500
    assert len(times) == 6
    peer.wait(200)
    assert peer.outcome().args[0] == errno.ETIMEDOUT


def test_response_timeout_runs_on_after_an_empty_ack():
    peer = Peer()
    _, (request,) = peer.request(timeout_ms=12000)
    peer.receive(message_id=request.message_id)
    peer.events()
    peer.wait(11999)
    assert peer.events() == []
    peer.wait(1)
    assert peer.outcome().args[0] == errno.ETIMEDOUT


def test_late_ack_stops_repetition():
    peer = Peer()
    _, (request,) = peer.request()
    assert len(peer.wait(10000)) == 2
    peer.receive(message_id=request.message_id)
    assert peer.wait(50000) == []


def test_lost_ack_of_ours():
    peer = Peer()
    _, (request,) = peer.request()
    (first,) = peer.receive(0x41, CON, request.token, 77)
    for _ in range(3):
        (again,) = peer.receive(0x41, CON, request.token, 77)
        assert again.encode() == first.encode()
    assert len(peer.events()) == 1
    assert peer.endpoint.duplicates == 3


def test_same_message_id_with_other_content_is_no_duplicate():
    # The server draws notification ids at random; a command must not be lost to one.
    peer = Peer()
    _, (request,) = peer.request(observe=False)
    peer.receive(type=ACK, token=request.token, message_id=request.message_id, **notification(0))
    peer.receive(type=CON, token=request.token, message_id=5, **notification(1, b"one"))
    peer.receive(type=CON, token=request.token, message_id=5, **notification(2, b"two"))
    assert [outcome.payload for _, outcome in peer.events()] == [b"", b"one", b"two"]
    assert peer.endpoint.duplicates == 0


def test_duplicate_non_notification():
    peer = Peer()
    _, (request,) = peer.request(NON, observe=False)
    for _ in range(2):
        assert peer.receive(type=NON, token=request.token, message_id=5, **notification(0)) == []
    assert len(peer.events()) == 1


def test_reset_ends_a_request():
    for type in (CON, NON):
        peer = Peer()
        _, (request,) = peer.request(type)
        peer.receive(type=RST, message_id=request.message_id)
        error = peer.outcome()
        assert isinstance(error, ResetError) and error.args[0] == errno.ECONNRESET


def test_what_we_do_not_know_gets_a_reset():
    peer = Peer()
    _, (request,) = peer.request()
    for code, token in ((0x45, b"nope"), (0x45, b""), (GET, request.token), (0, b"")):
        (reset,) = peer.receive(code, CON, token, 99)
        assert (reset.type, reset.code, reset.message_id) == (RST, 0, 99)
        assert peer.receive(code, NON, token, 99) == []  # a NON is only ignored
    assert peer.endpoint.unexpected == 8
    assert peer.events() == []


def test_piggybacked_response_must_match_token_and_message_id():
    peer = Peer()
    _, (request,) = peer.request()
    peer.receive(0x41, ACK, request.token, request.message_id + 1 & 0xFFFF)
    peer.receive(0x41, ACK, b"nope", request.message_id)
    peer.receive(0x01, ACK, request.token, request.message_id)  # a request in an ACK
    peer.receive(0x41, RST, request.token, request.message_id)  # a Reset with a code
    peer.receive(type=ACK, message_id=request.message_id + 1 & 0xFFFF)
    assert peer.events() == []
    assert peer.wait(5000) != []  # the request is still being repeated


def test_unknown_critical_option():
    for option, accepted in ((9, False), (65001, False), (2048, True), (4, True), (27, True)):
        peer = Peer()
        _, (request,) = peer.request()
        (reply,) = peer.receive(0x45, CON, request.token, 5, [(option, b"v")])
        assert reply.type == (ACK if accepted else RST)
        assert len(peer.events()) == accepted
        assert peer.endpoint.unexpected == (not accepted)


def test_malformed_datagrams_are_counted():
    peer = Peer()
    peer.request()
    for data in (b"", b"\x40", b"\xff" * 20, b"\x40\x45\0\0\xff", b"\x4f\x45\0\0"):
        peer.endpoint.receive_datagram(data, peer.now)
    assert peer.endpoint.malformed == 5
    assert peer.events() == [] and peer.pump() == []


def test_an_empty_ack_is_for_the_latest_request_with_its_message_id():
    # The registration of a long observation had the id that a request has 65536 messages later.
    peer = Peer()
    observing, (registration,) = peer.request(code=GET, observe=True)
    peer.receive(type=CON, token=registration.token, message_id=1, **notification(0))
    peer.events()
    peer.endpoint.message_id = registration.message_id - 1
    exchange, (request,) = peer.request()
    assert request.message_id == registration.message_id
    peer.receive(message_id=request.message_id)
    assert peer.events() == [] and peer.wait(30000) == []  # no more repetitions


def test_requests_that_time_out_together_all_end():
    peer = Peer(window_limit=9)
    for _ in range(5):
        peer.request(NON, timeout_ms=5000)
    peer.wait(4000)
    assert peer.endpoint.handle_timeout(4000) == 1000
    assert peer.endpoint.handle_timeout(5000) == 0  # one call does all that is due
    assert [outcome.args[0] for _, outcome in peer.events()] == [errno.ETIMEDOUT] * 5
    assert peer.endpoint.exchanges == []


def test_ping():
    for type in (RST, ACK):
        peer = Peer()
        exchange, (ping,) = peer.request(code=0)
        assert ping.encode()[:2] == b"\x40\x00"
        peer.receive(type=type, message_id=ping.message_id)
        assert peer.outcome().type == type


def test_ping_unanswered():
    peer = Peer()
    peer.request(code=0, timeout_ms=5000)
    peer.wait(5000)
    assert peer.outcome().args[0] == errno.ETIMEDOUT


def test_cancel():
    peer = Peer()
    exchange, (request,) = peer.request()
    peer.endpoint.cancel(exchange)
    peer.endpoint.cancel(exchange)
    assert peer.wait(100000) == [] and peer.events() == []
    (reset,) = peer.receive(0x45, CON, request.token, 5)
    assert reset.type == RST


def test_observation():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=True)
    peer.receive(type=ACK, token=request.token, message_id=request.message_id, **notification(0))
    for number in (1, 2, 2, 1, 3):
        (ack,) = peer.receive(
            type=CON, token=request.token, message_id=100 + len(peer.sent), **notification(number)
        )
        assert ack.type == ACK  # the stale ones too
    assert [outcome.uint(OBSERVE) for _, outcome in peer.events()] == [0, 1, 2, 3]
    assert peer.endpoint.stale == 2


def registered():
    peer = Peer()
    exchange, (sent,) = peer.request(code=GET, observe=True)
    return peer, {"token": exchange.token, "message_id": sent.message_id}


def test_the_answer_in_the_ack_of_a_registration_is_acknowledged():
    peer, ids = registered()
    peer.receive(type=ACK, **ids, **notification(0))
    assert peer.outcome().acknowledged
    peer.receive(type=CON, token=ids["token"], message_id=7, **notification(1))
    assert not peer.outcome().acknowledged


def test_an_answer_after_an_empty_ack_is_acknowledged():
    peer, ids = registered()
    peer.receive(type=ACK, message_id=ids["message_id"])
    peer.receive(type=CON, token=ids["token"], message_id=7, **notification(0))
    assert peer.outcome().acknowledged
    peer.receive(type=CON, token=ids["token"], message_id=8, **notification(1))
    assert not peer.outcome().acknowledged


def test_a_notification_before_any_ack_is_not_acknowledged():
    peer, ids = registered()
    peer.receive(type=CON, token=ids["token"], message_id=7, **notification(0))
    peer.receive(type=CON, token=ids["token"], message_id=8, **notification(1))
    peer.receive(type=ACK, **ids, **notification(2))  # the ACK was overtaken on the way
    assert [message.acknowledged for _, message in peer.events()] == [False, False, True]


def test_a_notification_before_the_empty_ack_of_a_repetition_is_not_acknowledged():
    peer, ids = registered()
    assert len(peer.wait(3100)) == 1
    peer.receive(type=CON, token=ids["token"], message_id=7, **notification(0))
    assert not peer.outcome().acknowledged


def test_unordered_observation_delivers_everything():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=False)
    for number in (0, 5, 3, 4):
        peer.receive(type=CON, token=request.token, message_id=number, **notification(number))
    assert [outcome.uint(OBSERVE) for _, outcome in peer.events()] == [0, 5, 3, 4]


def test_notification_older_than_128_s_is_always_fresh():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=True)
    peer.receive(type=CON, token=request.token, message_id=1, **notification(50))
    peer.wait(127999)
    peer.receive(type=CON, token=request.token, message_id=2, **notification(7))
    assert len(peer.events()) == 1
    peer.wait(1)
    peer.receive(type=CON, token=request.token, message_id=3, **notification(8))
    assert peer.outcome().uint(OBSERVE) == 8
    # Nothing is due any more once it has aged: an idle endpoint sleeps.
    peer.wait(128000)
    assert peer.endpoint.handle_timeout(peer.now & (1 << 30) - 1) == HOUR_MS


def test_observation_ends_by_another_code():
    # 2.02 with Observe 0 is how ThingsBoard says "replaced"; it comes before any ordering test.
    for code, options in ((0x42, [(OBSERVE, b"")]), (0x84, []), (0x45, [])):
        peer = Peer()
        exchange, (request,) = peer.request(code=GET, observe=True)
        peer.receive(type=CON, token=request.token, message_id=1, **notification(9))
        peer.events()
        (ack,) = peer.receive(code, CON, request.token, 2, options, b"why")
        assert ack.type == ACK
        error = peer.outcome()
        assert isinstance(error, ResponseError)
        assert (error.code, error.payload) == (code, b"why")
        assert str(error) == "%d.%02d" % (code >> 5, code & 31)
        assert error.args == (str(error),)  # this is what MicroPython's tracebacks show
        assert (
            peer.receive(type=CON, token=request.token, message_id=3, **notification(10))[0].type
            == RST
        )


def test_cancelled_observation_resets_its_notifications():
    peer = Peer()
    exchange, (request,) = peer.request(code=GET, observe=True)
    peer.receive(type=CON, token=request.token, message_id=1, **notification(0))
    peer.endpoint.cancel(exchange)
    assert (
        peer.receive(type=CON, token=request.token, message_id=2, **notification(1))[0].type == RST
    )


def test_wrap_of_ticks():
    # Everything once more across 2**30 ms: repetitions, give-up and the age of notifications.
    for before in (0, 1, 2500, 60000):
        peer = Peer(now=(1 << 30) - before)
        start = peer.now
        _, (request,) = peer.request()
        times = [time - start for time, _ in peer.wait(93000)]
        assert len(times) == 5 and 2000 <= times[0] <= 3000
        assert peer.outcome().args[0] == errno.ETIMEDOUT
        _, (request,) = peer.request(code=GET, observe=True)
        peer.receive(type=CON, token=request.token, message_id=1, **notification(50))
        peer.wait(100000)
        peer.receive(type=CON, token=request.token, message_id=2, **notification(7))
        assert len(peer.events()) == 1
        peer.wait(30000)
        peer.receive(type=CON, token=request.token, message_id=3, **notification(8))
        assert len(peer.events()) == 1


def test_an_observation_stays_fresh_for_weeks():
    peer = Peer()
    _, (request,) = peer.request(code=GET, observe=True)
    number = 0
    for days in (0, 5, 7, 12, 13, 20):
        peer.wait(days * 86400000)
        number += 1
        peer.receive(type=CON, token=request.token, message_id=number, **notification(number))
        assert peer.outcome().uint(OBSERVE) == number
        peer.receive(
            type=CON, token=request.token, message_id=1000 + number, **notification(number - 1)
        )
        assert peer.events() == []


def test_message_ids_count_from_a_random_start():
    ids = [Peer().request()[1][0].message_id for _ in range(2)]
    assert ids[0] == ids[1] == 0x0102  # Dice: 1, 1, then counted up
    peer = Peer()
    peer.endpoint.message_id = 0xFFFE
    seen = []
    for _ in range(3):
        exchange, (request,) = peer.request()
        seen.append(request.message_id)
        peer.endpoint.cancel(exchange)
    assert seen == [0xFFFF, 0, 1]
