# A stop that holds: who keeps the watchdog quiet, and for how long.

from hardware import Hardware, Machine, Timer, read, write
from rows import rows

HOUR_S = 3600
ESP32_MAX_MS = 1 << 30  # its watchdog takes an hour


def test_what_the_file_says():
    with Hardware() as board:
        hold = board.load("hold")
        assert hold.said() is None
        for content, said in ((b"", ""), (b"stopped\r\n", "stopped"), (b" x ", "x")):
            write("hold", content)
            assert hold.said() == said


def test_a_file_that_is_no_text_is_none():
    with Hardware() as board:
        write("hold", b"\xff\xfe\x80")
        assert board.load("hold").said() is None


def test_an_esp32_bites_in_an_hour():
    with Hardware(Machine(ESP32_MAX_MS)) as board:
        board.load("hold").feed()
        assert board.machine.timeout_ms == 1000 * HOUR_S
        assert Timer.running == []


def test_a_timer_feeds_for_an_hour_and_then_lets_it_bite():
    with Hardware() as board:
        board.load("hold").feed()
        assert board.machine.timeout_ms == 8000
        (timer,) = Timer.running
        for _ in range(HOUR_S - 1):
            timer.callback(timer)
        assert board.machine.fed == HOUR_S - 1
        for _ in range(HOUR_S):
            timer.callback(timer)
        assert board.machine.fed == HOUR_S - 1


def test_a_stop_is_known_after_the_soft_reset():
    with Hardware() as board:
        hold = board.load("hold")
        hold.stopped()
        assert hold.said() == hold.STOPPED and len(Timer.running) == 1


def test_on_a_full_flash_a_stop_holds_until_a_soft_reset():
    with Hardware() as board:
        hold = board.load("hold")
        board.full = True
        hold.stopped()
        assert hold.said() is None and len(Timer.running) == 1


def test_the_program_takes_over():
    with Hardware() as board:
        hold = board.load("hold")
        hold.release()  # nothing to do
        hold.stopped()
        hold.release()
        assert hold.said() is None and Timer.running == []


@rows(none=(None, 0), stopped=(b"stopped\n", 1), by_a_tool=(b"", 0), by_a_person=(b"wait", 0))
def test_boot_feeds_after_a_stop_only(content, timers):
    with Hardware() as board:
        if content is not None:
            write("hold", content)
        board.load("hold")
        board.load("boot")
        assert len(Timer.running) == timers
        assert read("hold") == content  # start.py has yet to see it


class Nothing:
    """A module of which half was copied."""


@rows(half=Nothing(), none=None)
def test_boot_keeps_nobody_out(hold):
    with Hardware(modules={"hold": hold}) as board:
        assert board.load("boot")
