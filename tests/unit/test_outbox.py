# Telemetry that waits for the server.

import io
import json

from fakes import Board, raised
from thingsboard import memory
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


def test_a_record_larger_than_the_queue_is_refused_and_nothing_else_is_lost():
    box, _, _ = outbox(max_bytes=1000)
    box.add('{"i":0}')
    assert raised(ValueError, box.add, '{"log":"%s"}' % ("x" * 1000))
    assert len(box) == 1 and box.dropped == 0


def test_sizes_are_bytes():
    box, _, _ = outbox(max_bytes=1000)
    assert raised(ValueError, box.add, '{"a":"%s"}' % ("\u6e29" * 320))
    for i in range(30):
        box.add('{"\u6e29\u5ea6\u6e29\u5ea6":%2d}' % i)
    assert len(box) == 1000 // (19 + 64 - 1)
    assert len(box.batch()) <= 1024


def fill(box, number):
    for i in range(number):
        box.add('{"i":%d,"pad":"%s"}' % (i, "x" * 60))


def test_batches_end_at_what_the_path_takes():
    box, _, _ = outbox()
    fill(box, 60)
    lost = 0
    seen = []
    while len(box):
        payload = box.batch()
        if len(payload) > 530:
            lost += 1
            box.failed()
        else:
            seen += [record["values"]["i"] for record in json.loads(payload)]
            box.accepted()
    assert seen == list(range(60)) and lost <= 4
    assert box.dropped == box.refused == 0


def test_no_failure_but_a_refusal_of_one_costs_a_record():
    box, _, _ = outbox()
    fill(box, 20)
    sizes = []
    for _ in range(20):
        sizes.append(len(box.batch()))
        box.failed()
    assert len(box) == 20 and sizes[0] > 900 and sizes[-1] < 130


def test_after_an_outage_batches_grow_to_a_block_again():
    box, _, _ = outbox()
    fill(box, 100)
    for _ in range(10):
        box.batch()
        box.failed()
    most = 0
    while len(box):
        most = max(most, len(box.batch()))
        box.accepted()
    assert most > 900


def test_without_any_time_records_go_without_it_after_a_minute_one_by_one():
    box, clock, ticks = outbox(known=False)
    assert box.wait_ms() is None
    box.add('{"a":1}')
    ticks.now = 20_000
    box.add('{"a":2}')
    assert box.batch() is None and 40_000 <= box.wait_ms() <= 41_000
    ticks.now = 61_000
    assert box.wait_ms() == 0
    assert records(box) == [{"a": 1}]
    box.accepted()
    # The server is there, and nobody knows the time: the next ones need not wait.
    assert records(box) == [{"a": 2}]
    box.accepted()
    box.add('{"a":3}')
    assert records(box) == [{"a": 3}]


def test_after_silence_records_wait_for_the_time_once_more():
    box, clock, ticks = outbox(known=False)
    box.add('{"a":1}')
    ticks.now = 61_000
    box.batch()
    box.accepted()
    box.add('{"a":2}')
    box.failed()
    assert box.batch() is None


def test_a_record_without_time_among_others():
    box, clock, ticks = outbox(known=False)
    box.add('{"a":1}')
    box.add('{"a":2}', 7)
    ticks.now = 61_000
    assert records(box) == [{"a": 1}, {"ts": 7, "values": {"a": 2}}]


def saved(box):
    file = io.BytesIO()
    box.save(file)
    return file.getvalue()


def test_waiting_records_survive_a_restart():
    box, _, _ = outbox()
    box.add('{"a":"\u6e29\\n"}', 5)
    box.add('{"a":1}')
    box.add(b"\x00\xff", 6)  # of a codec that makes bytes
    data = saved(box)
    assert len(data.split(b"\n")) == 4 and json.loads(data.split(b"\n")[0])[0] == 5
    after, _, _ = outbox()
    assert after.load(io.BytesIO(data)) == 0 and saved(after) == data and len(after) == 3


def test_a_record_of_unknown_time_is_saved_with_none():
    box, _, _ = outbox(known=False)
    box.add('{"a":1}')
    data = saved(box)
    assert json.loads(data) == [None, '{"a":1}']
    after, _, _ = outbox()
    after.load(io.BytesIO(data))
    assert records(after) == [{"ts": NOW, "values": {"a": 1}}]


def test_a_file_cut_anywhere_gives_what_is_whole():
    box, _, _ = outbox()
    for i in range(3):
        box.add('{"i":%d}' % i)
    data = saved(box)
    for end in range(len(data)):
        after, _, _ = outbox()
        damaged = after.load(io.BytesIO(data[:end]))
        assert len(after) == data[:end].count(b"\n")
        assert damaged == (end > 0 and data[end - 1] != 10)


def test_a_damaged_file_is_read_past_its_damage():
    good = b'[5, "{\\"i\\":1}"]\n'
    for bad in (
        b"\xff\xfe\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b'["x", "{}"]\n',
        b"[5, 6]\n",
        b"[5]\n",
        b'[5, "zz", true]\n',
        b'[{}, "{}"]\n',
        b'[1e999, "{}"]\n',
        b"\n",
        b"x" * 70_000 + b"\n",
        b"[" * 3000 + b"\n",
    ):
        box, _, _ = outbox()
        assert box.load(io.BytesIO(good + bad + good)) > 0
        assert len(box) == 2, bad[:20]


def test_a_file_larger_than_the_queue_keeps_the_newest():
    box, _, _ = outbox()
    fill(box, 100)
    small, _, _ = outbox(max_bytes=2000)
    small.load(io.BytesIO(saved(box)))
    assert 5 < len(small) < 20 and saved(box).endswith(saved(small))


def test_a_record_too_large_for_the_new_queue_is_left_out():
    box, _, _ = outbox()
    box.add('{"a":"%s"}' % ("x" * 3000))
    box.add('{"a":1}')
    small, _, _ = outbox(max_bytes=500)
    assert small.load(io.BytesIO(saved(box))) > 0 and len(small) == 1


class Full(list):
    """A list that cannot grow beyond eight."""

    def append(self, item):
        if len(self) == 8:
            raise MemoryError
        super().append(item)


def test_where_memory_is_short_the_oldest_makes_room():
    it, _, _ = outbox()
    it._records = Full()
    for n in range(20):
        it.add('{"n":%d}' % n, n)
    assert len(it) == 8 and it.dropped == 12
    assert [record["values"]["n"] for record in records(it)] == list(range(12, 20))
    it.accepted()
    assert len(it) == 0


def test_before_memory_is_out_the_oldest_makes_room():
    box, _, _ = outbox()
    for i in range(3):
        box.add('{"i":%d}' % i)
    real = memory.is_short
    memory.is_short = lambda reserve: True
    try:
        for i in range(3, 5):
            box.add('{"i":%d}' % i)
    finally:
        memory.is_short = real
    assert numbers(box) == [2, 3, 4] and box.dropped == 2
    empty, _, _ = outbox()
    memory.is_short = lambda reserve: True
    try:
        empty.add('{"i":7}')
    finally:
        memory.is_short = real
    assert numbers(empty) == [7] and empty.dropped == 0
