# What the guard wants, second by second.

from guard import POWER_CYCLE, RESTART, Guard
from rows import rows

H = 3600


def remedies(guard, seconds, contacts=0, begin=0):
    """Look once a second; return [(second, remedy)] of each that wants something."""
    found = []
    for now in range(begin + 1, begin + seconds + 1):
        remedy = guard.look(now, contacts)
        if remedy:
            found.append((now, remedy))
    return found


def test_first_the_wifi_and_then_the_board():
    assert remedies(Guard(60, 0, 0), 130) == [(60, POWER_CYCLE), (120, RESTART)]


def test_a_server_that_is_heard_is_left_alone():
    guard = Guard(60, 0, 0)
    for minute in range(60):
        assert remedies(guard, 59, contacts=minute + 1, begin=59 * minute) == []


@rows(
    (1800, 0, 1800),
    (1800, 1, H),
    (1800, 2, 2 * H),
    (1800, 3, 4 * H),
    (1800, 4, 6 * H),
    (1800, 5, 6 * H),
    (6 * H, 0, 6 * H),
    (6 * H, 5, 6 * H),
    (1, 5, 32),
)
def test_each_restart_in_a_row_doubles_the_patience_to_six_hours(offline_s, lonely, limit_s):
    guard = Guard(offline_s, lonely, 1000)
    assert guard.look(1000 + limit_s - 1, 0) is None
    assert guard.look(1000 + limit_s, 0) == POWER_CYCLE
    assert guard.look(1000 + 2 * limit_s - 1, 0) is None
    assert guard.look(1000 + 2 * limit_s, 0) == RESTART
    assert guard.lonely == lonely


def test_a_contact_begins_anew_with_the_wifi():
    guard = Guard(60, 0, 0)
    assert remedies(guard, 119) == [(60, POWER_CYCLE)]
    expected = [(179, POWER_CYCLE), (239, RESTART)]
    assert remedies(guard, 150, contacts=1, begin=118) == expected


def test_a_contact_ends_the_row_of_restarts():
    guard = Guard(60, 3, 0)
    guard.look(1, 0)
    assert guard.lonely == 3
    guard.look(2, 1)
    assert guard.lonely == 0


def test_an_application_that_counts_anew_was_in_contact():
    guard = Guard(60, 0, 0)
    assert remedies(guard, 59, contacts=7) == []
    assert guard.look(60, 2) is None
    assert remedies(guard, 60, contacts=2, begin=60) == [(120, POWER_CYCLE)]


@rows(0, 1, 5)
def test_off(lonely):
    guard = Guard(0, lonely, 0)
    assert all([guard.look(day * 24 * H, 0) is None for day in range(3650)])
