# The order of notifications, and when all of it is asked for again.

from thingsboard.link import Sequence


def heard(*messages):
    """Return, for each (token, number), whether something was missing before it."""
    it = Sequence()
    return [it.take(token, number) for token, number in messages]


def test_in_order_nothing_is_missing():
    assert heard((b"a", 0), (b"a", 1), (b"a", 2)) == [False] * 3


def test_a_gap_is_told_once_until_the_new_registration_answers():
    told = heard((b"a", 0), (b"a", 3), (b"a", 7), (b"b", 0), (b"b", 1), (b"b", 3))
    assert told == [False, True, False, False, False, True]


def test_a_first_message_that_is_not_number_0_came_before_the_full_state():
    assert heard((b"a", 1), (b"a", 0), (b"a", 2)) == [True, False, False]


def test_an_older_message_is_no_gap():
    assert heard((b"a", 0), (b"a", 2), (b"a", 1), (b"b", 0)) == [False, True, False, False]
    assert heard((b"a", 0), (b"a", 1), (b"a", 1), (b"a", 2)) == [False] * 4


def test_the_answer_to_the_registration_after_a_gap_may_be_lost_too():
    told = heard((b"a", 0), (b"a", 2), (b"b", 4), (b"b", 5), (b"b", 8))
    assert told == [False, True, False, False, True]


def test_registered_anew_without_a_gap_the_answer_must_come_first():
    assert heard((b"a", 0), (b"b", 0), (b"b", 1)) == [False] * 3
    assert heard((b"a", 0), (b"b", 1)) == [False, True]
