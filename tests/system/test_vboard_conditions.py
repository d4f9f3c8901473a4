"""The heap and the clock of a virtual board."""

import time

import pytest

from tools.vboard import Board, Network
from tools.vboard.host import ports

NEAR = 400  # bytes


@pytest.fixture
def run(tmp_path):
    boards = []

    def start(main, **settings):
        root = tmp_path / f"root{len(boards)}"
        root.mkdir()
        (root / "main.py").write_text(main)
        board = Board(tmp_path / f"flash{len(boards)}.img", **settings)
        board.format()
        board.deploy(root)
        board.start()
        boards.append(board)
        return board

    yield start
    for board in boards:
        board.stop()


HEAP = "import gc\ngc.collect()\nprint('heap', gc.mem_free(), gc.mem_alloc())"


@pytest.mark.parametrize("name", ["UNIX", "RPI_PICO_W", "ESP32_GENERIC-OTA", "ESP32_GENERIC_C3"])
@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("clock", [None, 0])
def test_the_program_gets_the_heap_that_was_asked_for(run, name, network, clock):
    board = run(HEAP, board=name, network=Network() if network else None, clock=clock)
    line = board.wait_line(r"heap (\d+) (\d+)", 10)
    expected = ports.model(name).port.own[network, clock is not None]
    board.wait_end(10)
    assert abs(board.own - expected) < NEAR, board.own
    # Of a heap the interpreter takes a few per cent for its tables.
    asked = ports.model(name).heap
    assert 0.94 * asked < int(line[1]) < asked


def test_another_heap(run):
    board = run(HEAP, heap="100k")
    assert int(board.wait_line(r"heap (\d+)", 10)[1]) < 100 * 1024


CLOCK = """
import time
while True:
    print("clock", time.gmtime(0)[0], time.gmtime()[:3], time.time(), time.time_ns() // 1000000000)
    time.sleep_ms(100)
"""


@pytest.mark.parametrize(
    ("name", "epoch", "unset"),
    [("UNIX", 1970, "2021, 1, 1"), ("ESP32_GENERIC-OTA", 2000, "2000, 1, 1")],
)
def test_a_clock_that_is_unset_and_jumps(run, name, epoch, unset):
    board = run(CLOCK, board=name, clock="unset")
    board.wait_line(rf"clock {epoch} \({unset}\)", 10)
    board.set_clock(7200)
    today = time.gmtime(time.time() + 7200)
    board.wait_line(rf"clock {epoch} \({today.tm_year}, {today.tm_mon}, {today.tm_mday}\)", 10)
    match = board.wait_line(r"clock \d+ \(.*\) (\d+) (\d+)", 10, len(board.lines))
    origin = 946684800 if epoch == 2000 else 0
    assert abs(int(match[1]) + origin - time.time() - 7200) < 5
    assert abs(int(match[2]) - int(match[1])) <= 1


SLEEP = """
import machine, time
start = time.ticks_ms()
machine.lightsleep(1500)
print("ticks", time.ticks_diff(time.ticks_ms(), start) > 1000)
machine.RTC().datetime((2030, 5, 6, 0, 7, 8, 9, 0))
print("set", time.gmtime()[:5], machine.RTC().datetime()[:3])
"""


@pytest.mark.parametrize(("name", "go_on"), [("UNIX", False), ("ESP32_GENERIC-OTA", True)])
def test_ticks_in_light_sleep_and_a_clock_that_is_set(run, name, go_on):
    board = run(SLEEP, board=name, clock=0)
    board.wait_line(f"ticks {go_on}", 10)
    board.wait_line(r"set \(2030, 5, 6, 7, 8\) \(2030, 5, 6\)", 10)
