# The order of notifications, and when all of it is asked for again, at once or in a moment.

from rows import rows
from thingsboard.link import Sequence


@rows(
    in_order=(((b"a", 0), (b"a", 1), (b"a", 2)), ()),
    a_gap_is_told_once_until_the_new_registration_answers=(
        ((b"a", 0), (b"a", 3), (b"a", 7), (b"b", 0), (b"b", 1), (b"b", 3)),
        (1, 5),
    ),
    a_first_message_that_is_not_number_0_came_before_the_full_state=(
        ((b"a", 1), (b"a", 0), (b"a", 2)),
        (0,),
    ),
    an_older_message_is_no_gap=(((b"a", 0), (b"a", 2), (b"a", 1), (b"b", 0)), (1,)),
    a_repeated_message_is_no_gap=(((b"a", 0), (b"a", 1), (b"a", 1), (b"a", 2)), ()),
    an_older_message_does_not_lower_what_is_expected=(
        ((b"a", 0), (b"a", 1), (b"a", 0), (b"a", 2)),
        (),
    ),
    the_answer_after_a_gap_may_be_lost_too=(
        ((b"a", 0), (b"a", 2), (b"b", 4), (b"b", 5), (b"b", 8)),
        (1, 4),
    ),
    registered_anew_without_a_gap=(((b"a", 0), (b"b", 0), (b"b", 1)), ()),
    registered_anew_without_a_gap_the_answer_must_come_first=(((b"a", 0), (b"b", 1)), (1,)),
)
def test_before_which_messages_something_is_missing(messages, missing):
    it = Sequence()
    told = [it.take(token, number, False, 0) for token, number in messages]
    assert [n for n, is_missing in enumerate(told) if is_missing] == list(missing)


@rows(
    an_answer=(((b"a", False, 0),), ()),
    answers_in_a_row=(((b"a", False, 0), (b"b", False, 10)), ()),
    a_change_after_the_answer=(((b"a", False, 0), (b"a", True, 1)), ()),
    changes_that_are_far_apart=(((b"a", False, 0), (b"a", True, 5000), (b"a", True, 6000)), ()),
    a_burst=(
        ((b"a", False, 0), (b"a", True, 5000), (b"a", True, 5999), (b"a", True, 6000)),
        (2, 3),
    ),
    a_burst_by_non=(((b"a", False, 0), (b"a", False, 1), (b"a", False, 2)), ()),
    an_answer_within_a_burst=(((b"a", True, 0), (b"b", False, 10), (b"b", True, 20)), (0, 2)),
    a_change_before_the_answer=(((b"a", False, 0), (b"b", True, 90_000)), (1,)),
)
def test_after_which_messages_the_server_may_have_more(messages, hiding):
    it = Sequence()
    told = []
    for token, con, now in messages:
        it.take(token, 0, con, now)
        told.append(it.hides)
    assert [n for n, hides in enumerate(told) if hides] == list(hiding)
