# Why there was a restart, how long to wait before the next, and what that costs the flash.

import json
import os

from hardware import Hardware, Reset, read, write
from rows import rows

FILE = "restarts.json"
RESERVE = "reserve"


def start(board, power_on=False, watchdog=False):
    return board.load("restarts").Restarts(power_on, watchdog)


def stored():
    return json.loads(read(FILE).decode())


@rows(
    power=(True, False, "power on"), dog=(False, True, "watchdog"), else_=(False, False, "reset")
)
def test_a_start_without_notes(power_on, watchdog, reason):
    with Hardware() as board:
        restarts = start(board, power_on, watchdog)
        assert restarts.reason == reason
        assert (restarts.crashes, restarts.lonely, restarts.count) == (0, 0, 0)


def test_the_next_start_knows_why():
    with Hardware() as board:
        start(board).crashed("app.py, line 1: OSError: 5", False)
        restarts = start(board, watchdog=True)
        assert restarts.reason == "app.py, line 1: OSError: 5"
        assert (restarts.crashes, restarts.lonely, restarts.count) == (1, 0, 1)


def test_after_the_power_was_off_the_notes_are_past():
    with Hardware() as board:
        start(board).crashed("OSError", False)
        restarts = start(board, power_on=True)
        assert restarts.reason == "power on" and restarts.count == 0


def test_a_row_of_crashes_backs_off_and_writes_five_times_at_most():
    with Hardware() as board:
        waits = []
        written = []
        for n in range(30):
            restarts = start(board)
            assert restarts.crashes == min(n, 5)
            before = board.writes
            waits.append(restarts.crashed("OSError %d" % n, False))
            written.append(board.writes - before)
        assert waits == [0.5, 2, 10, 60] + [300] * 26
        assert written == [1] * 5 + [0] * 25
        assert start(board).reason == "OSError 4"


def test_who_lived_for_a_while_begins_a_new_row():
    with Hardware() as board:
        for _ in range(7):
            start(board).crashed("OSError", False)
        restarts = start(board)
        restarts.settled()
        assert read(FILE) is None
        assert restarts.crashed("MemoryError", True) == 0.5
        assert start(board).crashes == 1


def test_restarts_for_the_silent_server_are_counted():
    with Hardware() as board:
        for n in (1, 2, 3):
            start(board).note("the server was silent", 0, n)
        restarts = start(board)
        assert (restarts.crashes, restarts.lonely, restarts.count) == (0, 3, 3)


def test_a_planned_restart_says_why_and_is_no_crash():
    with Hardware() as board:
        restarts = start(board)
        try:
            restarts.restart("an update")
        except Reset:
            pass
        assert board.machine.resets == 1
        restarts = start(board)
        assert restarts.reason == "an update" and restarts.count == 0


def test_the_same_note_is_not_written_twice():
    with Hardware() as board:
        start(board).note("an update")
        before = board.writes
        start(board).note("an update")
        assert board.writes == before


def test_a_reason_is_kept_short():
    with Hardware() as board:
        start(board).note("x" * 5000)
        assert start(board).reason == "x" * 200


@rows(
    b"",
    b"\xff\xfe",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"5",
    b"[" * 50,
    b"{}",
    b'{"crashes": "5", "lonely": null}',
    b'{"crashes": -1, "lonely": -2.5}',
    b'{"crashes": true, "lonely": [1]}',
)
def test_damaged_notes_are_none(content):
    with Hardware() as board:
        write(FILE, content)
        restarts = start(board)
        assert restarts.reason == "reset" and restarts.count == 0
        assert restarts.crashed("OSError", False) == 0.5
        assert stored() == {"reason": "OSError", "crashes": 1, "lonely": 0}


def test_numbers_of_another_release_are_bounded():
    with Hardware() as board:
        write(FILE, b'{"reason": 5, "crashes": 1000000000000, "lonely": 77}')
        restarts = start(board)
        assert (restarts.reason, restarts.crashes, restarts.lonely) == ("5", 5, 5)
        assert restarts.crashed("OSError", False) == 300


def test_the_reserve_is_made_once():
    with Hardware() as board:
        start(board)
        assert os.stat(RESERVE)[6] == 4096
        before = board.writes
        start(board)
        assert board.writes == before


def test_a_full_flash_gives_up_the_reserve_for_the_note():
    with Hardware() as board:
        restarts = start(board)
        board.full = True

        def open_once_there_is_room(name, mode="r"):
            board.full = RESERVE in os.listdir(".")
            return board.open(name, mode)

        restarts.note.__globals__["open"] = open_once_there_is_room
        restarts.crashed("OSError: 28", False)
        assert stored()["reason"] == "OSError: 28"
        before = board.writes
        assert start(board).crashes == 1
        assert board.writes == before and RESERVE not in os.listdir(".")  # not in a row of crashes


def test_a_flash_that_stays_full_ends_no_start():
    with Hardware() as board:
        board.full = True
        restarts = start(board)
        assert restarts.crashed("OSError", False) == 0.5
        restarts.note("an update")
        assert read(FILE) is None and RESERVE not in os.listdir(".")


def test_the_power_fails_between_writing_and_renaming():
    with Hardware() as board:
        start(board).note("the one before")
        restarts = start(board)
        write(FILE + ".tmp", b'{"reason": "ha')
        assert restarts.reason == "the one before" == start(board).reason
        start(board).note("the next")
        assert stored()["reason"] == "the next"
