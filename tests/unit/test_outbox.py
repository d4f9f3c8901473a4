# Telemetry that waits for the server.

import json

from fakes import Board
from thingsboard.clock import Clock
from thingsboard.outbox import Outbox

NOW = 1_790_000_000_000


def outbox(known=True, **how):
    ticks = Board()
    clock = Clock(ticks)
    if known:
        clock.set(NOW)
    return Outbox(clock, **how), clock, ticks


def records(box, most=64):
    end, count, body = box.batch(most)
    values = json.loads(body)
    assert count == len(values)
    return end, values


def test_records_keep_their_time():
    box, clock, ticks = outbox()
    box.add('{"a":1}')
    ticks.now = 250
    box.add('{"a":2}')
    box.add('{"a":3}', NOW - 5)
    end, values = records(box)
    assert values == [
        {"ts": NOW, "values": {"a": 1}},
        {"ts": NOW + 250, "values": {"a": 2}},
        {"ts": NOW - 5, "values": {"a": 3}},
    ]
    assert len(box) == 3
    box.remove(end)
    assert len(box) == 0 and box.batch(64)[1] == 0


def test_records_from_before_the_clock_was_set():
    box, clock, ticks = outbox(known=False)
    box.add('{"a":0}')
    ticks.now = 1000
    box.add('{"a":1}')
    assert box.batch(64)[1] == 0  # not yet
    box.add('{"a":2}', 77)
    ticks.now = 60_000
    clock.set(NOW)
    _, values = records(box)
    assert [record["ts"] for record in values] == [NOW - 60_000, NOW - 59_000, 77]


def test_a_batch_fits_a_block():
    box, _, _ = outbox()
    for i in range(60):
        box.add('{"temperature":%d,"humidity":55}' % i)
    seen = []
    while len(box):
        end, count, body = box.batch(64)
        assert len(body) <= 1024 and count > 10
        seen += [record["values"]["temperature"] for record in json.loads(body)]
        box.remove(end)
    assert seen == list(range(60))


def test_a_record_larger_than_a_block_goes_alone():
    box, _, _ = outbox()
    box.add('{"a":"%s"}' % ("x" * 2000))
    box.add('{"b":1}')
    end, values = records(box)
    assert len(values) == 1 and len(values[0]["values"]["a"]) == 2000


def test_batches_of_at_most():
    box, _, _ = outbox()
    for i in range(5):
        box.add('{"i":%d}' % i)
    end, values = records(box, 2)
    assert [record["values"]["i"] for record in values] == [0, 1]


def test_oldest_are_dropped_and_counted():
    box, _, _ = outbox(max_bytes=1000)
    for i in range(100):
        box.add('{"i":%3d}' % i)
    kept = [record["values"]["i"] for record in records(box)[1]]
    assert kept == list(range(100 - len(kept), 100)) and 10 < len(kept) < 20
    assert box.dropped == 100 - len(kept)


def test_dropping_while_a_batch_is_on_its_way():
    # What is removed afterwards is what was sent, not what has taken its place.
    box, _, _ = outbox(max_bytes=1000)
    for i in range(10):
        box.add('{"i":%3d}' % i)
    end, values = records(box, 5)
    for i in range(10, 20):
        box.add('{"i":%3d}' % i)
    box.remove(end)
    kept = [record["values"]["i"] for record in records(box)[1]]
    assert kept[0] >= 5 and kept == list(range(kept[0], 20))


def test_a_time_must_be_a_number():
    box, _, _ = outbox()
    try:
        box.add("{}", "yesterday")
    except ValueError:
        assert len(box) == 0
    else:
        raise AssertionError("taken")
