"""Events: what a test reads of the wire after the fact, and what subscribers are told."""

import threading

from aiocoap.numbers.types import NON

from tools.tbsim import Event, Simulator


def test_a_request_and_its_answer(quick, peer):
    peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON)
    up, down = quick.events
    assert up.up and not down.up
    assert up.time <= down.time
    assert up.address == down.address == peer.wire.socket.getsockname()
    assert up.is_request and not down.is_request
    assert up.path == ("api", "v1", "TOK", "telemetry") and down.path == ()
    assert down.datagram == down.message.encode()


def test_a_malformed_datagram_has_no_message(quick, peer):
    peer.wire.up(b"\x4f\x01\x00\x01")
    assert quick.until(lambda: quick.events)
    (event,) = quick.events
    assert event.message is None and event.datagram == b"\x4f\x01\x00\x01"
    assert event.path == () and not event.is_request


def test_lost_on_the_way_up_is_no_event_and_on_the_way_down_is_one(quick, peer):
    quick.link.loss_up = 1.0
    assert peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON) is None
    assert not quick.events
    quick.link.loss_up, quick.link.loss_down = 0.0, 1.0
    assert peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON) is None
    assert [event.up for event in quick.events] == [True, False]


def test_subscribers_are_told_of_each_event_in_the_servers_thread(quick, peer):
    told, threads = [], set()

    def subscriber(event: Event):
        told.append(event)
        threads.add(threading.current_thread())

    quick.subscribe(subscriber)
    quick.subscribe(told.append)
    peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON)
    assert told == [event for event in quick.events for _ in range(2)]
    assert len(threads) == 1 and threading.current_thread() not in threads


def test_a_subscriber_may_come_before_the_start():
    told = []
    sim = Simulator()
    sim.subscribe(told.append)
    assert sim.events == told == []
    with sim:
        sim.layer.send_empty(("127.0.0.1", 9), NON, 1)
        assert sim.events == told and len(told) == 1


def test_the_record_can_be_cleared(quick, peer):
    told = []
    quick.subscribe(told.append)
    peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON)
    quick.events.clear()
    assert not quick.events
    peer.code("api/v1/TOK/telemetry", {"a": 1}, kind=NON)
    assert len(quick.events) == 2 and len(told) == 4


def test_a_record_of_the_newest_events_is_bounded(quick, peer):
    quick.events.most = 3
    for n in range(5):
        peer.code("api/v1/TOK/telemetry", {"n": n}, kind=NON)
    quick.until(lambda: not quick.events[-1].up)
    assert 3 <= len(quick.events) <= 6
    assert quick.events[-2].message.payload == b'{"n": 4}'
    quick.events.most = 0
    peer.code("api/v1/TOK/telemetry", {"n": 5}, kind=NON)
    assert quick.events == []
