# An outbox on flash: what is where, and what is written when.

from fakes import raised
from journals import NOW, RECORD, Scene, memory
from rows import rows


def test_what_was_added_outlives_a_power_cut():
    scene = Scene()
    scene.add(1, 2, 3)
    scene.start()
    assert len(scene.box) == 3
    scene.add(4)
    assert scene.sent() == [1, 2, 3, 4]
    scene.start()
    assert scene.sent() == [] and scene.box.damaged == 0


def test_what_the_server_took_is_not_sent_again():
    scene = Scene()
    scene.add_all(range(100))
    first = scene.batch()
    scene.box.accepted()
    scene.start()
    assert scene.sent() == list(range(len(first), 100))
    scene.start()
    scene.add(100)
    scene.start()
    assert scene.sent() == [100]


def test_numbers_go_on_though_all_files_are_gone():
    scene = Scene()
    scene.add_all(range(100))
    scene.batch()
    scene.box.accepted()  # the head says so
    scene.sent()
    for n in range(3):
        scene.start()
        scene.add(n)
        scene.start()
        assert scene.sent() == [n]


def test_a_backlog_is_read_from_flash():
    scene = Scene()
    scene.add_all(range(200))
    assert scene.box._bytes < 8192  # of RAM
    scene.add_all(range(200, 205))
    assert scene.sent() == list(range(205)) and scene.box.dropped == 0
    assert scene.fs.listdir("journal") == ["head"]


def test_of_small_records_no_more_are_read_than_ram_has_room_for():
    scene = Scene(record='{"n":%d}')
    scene.add_all(range(600))
    scene.start()
    assert scene.batch() and scene.box._bytes < 8192
    assert scene.sent() == list(range(600))


def test_where_memory_is_short_a_batch_stays_in_it():
    scene = Scene(every=1000)
    memory.short = True
    scene.add_all(range(100))
    memory.short = False
    assert scene.box._bytes <= 2048
    assert scene.sent() == list(range(100))


def test_a_backlog_is_sent_while_more_comes():
    scene = Scene(every=7)
    expected, numbers = 0, 0
    for n in range(300):
        scene.add(n)
        numbers += 1
        if n % 30 == 0:
            batch = scene.batch()
            assert batch == list(range(expected, expected + len(batch)))
            scene.box.accepted()
            expected += len(batch)
    assert len(scene.box) == numbers - expected > 0
    assert scene.sent() == list(range(expected, numbers))


def test_records_that_go_while_a_batch_is_under_way():
    scene = Scene()
    scene.add_all(range(120))
    batch = scene.batch()
    scene.add_all(range(120, 250))  # RAM is needed for others
    scene.box.accepted()
    assert scene.sent() == list(range(len(batch), 250))


def test_it_is_bounded_and_drops_the_oldest_file():
    scene = Scene(max_bytes=3 * 4096)
    scene.add_all(range(300))
    assert sum([len(data) for data in scene.fs.files.values()]) <= 3 * 4096
    kept = scene.sent()
    assert kept == list(range(300 - len(kept), 300))
    assert scene.box.dropped == 300 - len(kept) and len(kept) > 80


def test_dropping_while_a_batch_is_on_its_way():
    scene = Scene(max_bytes=2 * 4096)
    scene.add_all(range(50))
    assert scene.batch()[0] == 0
    scene.add_all(range(50, 200))
    scene.box.accepted()
    kept = scene.sent()
    assert kept == list(range(kept[0], 200))
    assert scene.box.dropped == kept[0]


def test_a_refused_record_is_found_and_goes_from_flash():
    scene = Scene()
    scene.add(1, 2, 3)
    while len(scene.batch()) > 1:
        scene.box.rejected()
    assert scene.box.rejected() == RECORD % 1 and scene.box.refused == 1
    scene.start()
    assert scene.sent() == [2, 3]


def test_a_record_that_is_taken_in_time_is_never_written():
    scene = Scene(every=10, delay_ms=10_000)
    for n in range(30):
        scene.add(n)
        assert scene.batch() == [n]
        scene.ticks.now += 9_999
        scene.box.keep()
        scene.box.accepted()
    assert scene.fs.changes == 0


@rows(by_age=(1, 10_000), by_number=(10, 0))
def test_records_wait_to_be_written(count, passed_ms):
    scene = Scene(every=10, delay_ms=10_000)
    scene.add_all(range(max(1, count - 1)))
    scene.box.keep()
    assert scene.fs.changes == 0
    scene.ticks.now += passed_ms
    if count > 1:
        scene.add(count - 1)
    scene.box.keep()
    scene.start()
    assert scene.sent() == list(range(count))


def test_one_write_takes_all_that_waits():
    scene = Scene(every=20)
    scene.add_all(range(20))
    assert scene.fs.changes == 2  # the folder and a file
    scene.add_all(range(20, 40))
    assert scene.fs.changes == 3


# Times


def test_a_time_that_is_known_later_counts_for_earlier_records():
    scene = Scene(known=False)
    scene.box.add('{"n":1000}')
    scene.ticks.now = 1000
    scene.box.add('{"n":2000}')
    assert scene.box.batch() is None
    scene.ticks.now = 5000
    scene.clock.set(NOW + 6000)
    assert scene.batch() == [1000, 2000]


def test_a_time_that_was_known_when_written_stays():
    scene = Scene()
    scene.box.add('{"n":0}')
    scene.clock.set(NOW + 4000)
    assert scene.batch() == [0]
    scene.start(50_000)
    assert scene.sent() == [0]


def test_a_time_that_never_was_known_is_that_of_the_next_start():
    scene = Scene(known=False)
    scene.box.add('{"n":7}')
    scene.ticks.now = 60_000
    scene.box.keep()
    assert scene.fs.changes == 0  # its time may come, and then is not to be sent with another
    scene.ticks.now = 60_500
    scene.box.keep()
    scene.start()
    assert scene.box.batch() is None and scene.box.wait_ms() > 60_000
    scene.clock.set(NOW + 7)
    assert scene.batch() == [7]


def test_a_backlog_without_time_gets_it_from_this_start():
    scene = Scene(known=False)
    for n in range(150):
        scene.ticks.now = n
        scene.box.add('{"n":%d}' % n)
    assert scene.box.batch() is None
    scene.ticks.now = 1000
    scene.clock.set(NOW + 1000)
    assert scene.sent() == list(range(150))


def test_times_and_records_that_no_file_can_hold():
    scene = Scene()
    assert raised(ValueError, scene.box.add, '{"a":"%s"}' % ("x" * 4096))
    assert raised(ValueError, scene.box.add, "{}", 1 << 70)
    assert len(scene.box) == 0 and scene.fs.changes == 0


def test_records_of_another_codec_are_bytes():
    class Codec:
        def batch(self, records, limit):
            return 1, records[0][0]

    scene = Scene(codec=Codec())
    scene.box.add(b"\x00\xff\xa7", 5)
    scene.start()
    assert scene.box.batch() == b"\x00\xff\xa7"
