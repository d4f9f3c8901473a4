# Which chunk of a package is asked for, and which comes next.

from abupdate import Refused
from fakes import raised
from rows import rows
from thingsboard.chunks import Window

CHUNK = 1024


def asked(window, offset):
    numbers = []
    while (number := window.ask(offset)) is not None:
        numbers.append(number)
    return numbers


def data(number, size=10 * CHUNK):
    return bytes([number]) * min(CHUNK, size - number * CHUNK)


def test_the_first_chunk_is_asked_for_alone():
    it = Window(10 * CHUNK, 3)
    assert asked(it, 0) == [0]
    it.came(0, data(0))
    assert it.ready(0) == (0, data(0))
    assert asked(it, CHUNK) == [1, 2, 3]


def test_what_the_slot_has_is_not_asked_for():
    it = Window(10 * CHUNK, 3)
    assert asked(it, 0) == [0]
    it.came(0, data(0))
    it.ready(0)
    assert asked(it, 6 * CHUNK + 100) == [6, 7, 8]
    it.came(6, data(6))
    assert it.ready(6 * CHUNK + 100) == (6 * CHUNK, data(6))


def test_chunks_in_any_order_are_handed_on_in_order():
    it = Window(4 * CHUNK, 4)
    asked(it, CHUNK)
    for number in (3, 2):
        it.came(number, data(number))
        assert it.ready(CHUNK) is None
    it.came(1, data(1))
    order = []
    offset = CHUNK
    while chunk := it.ready(offset):
        order.append(chunk[0])
        offset += len(chunk[1])
    assert order == [CHUNK, 2 * CHUNK, 3 * CHUNK] and it.under_way == set()


def test_what_waits_for_its_turn_counts_as_under_way():
    it = Window(10 * CHUNK, 3)
    assert asked(it, CHUNK) == [1, 2, 3]
    it.came(3, data(3))
    assert asked(it, CHUNK) == []
    it.came(1, data(1))
    it.ready(CHUNK)
    assert asked(it, 2 * CHUNK) == [4]


def test_nothing_is_asked_for_beyond_the_end():
    it = Window(2 * CHUNK + 1, 8)
    assert asked(it, CHUNK) == [1, 2]
    it.came(2, b"x")
    assert asked(it, CHUNK) == []


@rows((1, 0), (1, CHUNK - 1), (1, CHUNK + 1), (2, 0), (2, 2), (2, CHUNK))
def test_a_chunk_of_a_wrong_length_is_refused(number, size):
    it = Window(2 * CHUNK + 1, 8)
    asked(it, CHUNK)
    assert raised(Refused, it.came, number, bytes(size))


def test_chunks_may_be_smaller():
    it = Window(10 * CHUNK + 1, 3, 256)
    assert asked(it, 2 * CHUNK + 300) == [9, 10, 11]
    it.came(9, bytes(256))
    assert it.ready(2 * CHUNK + 300) == (9 * 256, bytes(256))
    assert raised(Refused, it.came, 10, bytes(CHUNK))
    assert asked(Window(257, 3, 256), 255) == [0, 1]
