# Telemetry that waits for the server.

import json

from fakes import Board, raised
from thingsboard.clock import Clock
from thingsboard.outbox import Outbox

NOW = 1_790_000_000_000


def outbox(known=True, **how):
    ticks = Board()
    clock = Clock(ticks)
    if known:
        clock.set(NOW)
    return Outbox(clock, **how), clock, ticks


def records(box):
    return json.loads(box.batch())


def test_records_keep_their_time():
    box, clock, ticks = outbox()
    box.add('{"a":1}')
    ticks.now = 250
    box.add('{"a":2}')
    box.add('{"a":3}', NOW - 5)
    assert records(box) == [
        {"ts": NOW, "values": {"a": 1}},
        {"ts": NOW + 250, "values": {"a": 2}},
        {"ts": NOW - 5, "values": {"a": 3}},
    ]
    assert len(box) == 3
    box.accepted()
    assert len(box) == 0 and box.batch() is None


def test_records_from_before_the_clock_was_set():
    box, clock, ticks = outbox(known=False)
    box.add('{"a":0}')
    ticks.now = 1000
    box.add('{"a":1}')
    assert box.batch() is None  # not yet
    box.add('{"a":2}', 77)
    ticks.now = 60_000
    clock.set(NOW)
    assert [record["ts"] for record in records(box)] == [NOW - 60_000, NOW - 59_000, 77]


def test_a_batch_fits_a_block():
    box, _, _ = outbox()
    for i in range(60):
        box.add('{"temperature":%d,"humidity":55}' % i)
    seen = []
    while len(box):
        body = box.batch()
        batch = [record["values"]["temperature"] for record in json.loads(body)]
        assert len(body) <= 1024 and (len(batch) > 10 or len(batch) == len(box))
        seen += batch
        box.accepted()
    assert seen == list(range(60))


def test_a_record_larger_than_a_block_goes_alone():
    box, _, _ = outbox()
    box.add('{"a":"%s"}' % ("x" * 2000))
    box.add('{"b":1}')
    values = records(box)
    assert len(values) == 1 and len(values[0]["values"]["a"]) == 2000


def numbers(box):
    return [record["values"]["i"] for record in records(box)]


def test_a_refused_record_is_found_by_halving_and_dropped_alone():
    box, _, _ = outbox()
    for i in range(10):
        box.add('{"i":%d}' % i)
    taken, tries = [], 0
    dropped = None
    while len(box):
        batch = numbers(box)
        tries += 1
        if 7 in batch:
            values = box.rejected()
            dropped = dropped or values
        else:
            taken += batch
            box.accepted()
    assert taken == [0, 1, 2, 3, 4, 5, 6, 8, 9] and dropped == '{"i":7}'
    assert box.refused == 1 and box.dropped == 0 and tries < 10


def test_after_a_refusal_batches_grow_again():
    box, _, _ = outbox()
    for i in range(20):
        box.add('{"i":%d}' % i)
    assert len(numbers(box)) == 20
    assert box.rejected() is None
    lengths = []
    for _ in range(2):
        lengths.append(len(numbers(box)))
        box.accepted()
    assert lengths == [10, 10]
    for i in range(30):
        box.add('{"i":%d}' % i)
    assert len(numbers(box)) > 20


def test_oldest_are_dropped_and_counted():
    box, _, _ = outbox(max_bytes=1000)
    for i in range(100):
        box.add('{"i":%3d}' % i)
    kept = numbers(box)
    assert kept == list(range(100 - len(kept), 100)) and 10 < len(kept) < 20
    assert box.dropped == 100 - len(kept)


def test_dropping_while_a_batch_is_on_its_way():
    # What is removed afterwards is what was sent, not what has taken its place.
    box, _, _ = outbox(max_bytes=1000)
    for i in range(10):
        box.add('{"i":%3d}' % i)
    assert numbers(box)[0] == 0
    box.rejected()
    assert numbers(box) == [0, 1, 2, 3, 4]
    for i in range(10, 20):
        box.add('{"i":%3d}' % i)
    box.accepted()
    kept = []
    while len(box):
        kept += numbers(box)
        box.accepted()
    assert kept[0] >= 5 and kept == list(range(kept[0], 20))


def test_what_just_fits_is_kept_and_sent_together():
    record = '{"a":"%s"}' % ("x" * 472)  # 480 bytes: 2 + 2 * (480 + 31) are a block
    box, _, _ = outbox(max_bytes=2 * (480 + 64))
    box.add(record)
    box.add(record)
    assert len(records(box)) == 2 and box.dropped == 0


def test_a_time_must_be_a_number():
    box, _, _ = outbox()
    assert raised(ValueError, box.add, "{}", "yesterday") and len(box) == 0


def test_a_refusal_of_what_was_dropped_meanwhile():
    box, _, _ = outbox(max_bytes=1000)
    box.add('{"i":0}')
    assert numbers(box) == [0]
    for i in range(1, 40):
        box.add('{"i":%3d}' % i)
    kept = len(box)
    assert box.rejected() is None and len(box) == kept and numbers(box)[0] > 0
