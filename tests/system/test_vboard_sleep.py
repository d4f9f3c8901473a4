"""A virtual board sleeps as its port does: what goes on, what is lost, and how long it takes."""

import time

import pytest

from tests.support.programs import COUNTED, boards
from tools.vboard import UNSET, World

ESP32 = "ESP32_GENERIC-OTA"
PICO = "RPI_PICO_W"
DAY_MS = 86_400_000


@pytest.fixture
def run(tmp_path):
    with boards(tmp_path) as start:
        yield lambda main, board=ESP32, **settings: start(COUNTED + main, board=board, **settings)


def test_deep_sleep_of_an_esp32_ends_in_a_start_of_its_own_cause(run):
    begin = time.monotonic()
    board = run("print(machine.DEEPSLEEP_RESET)\nif n < 2: machine.deepsleep(700)\nprint('never')")
    assert board.wait_end(20).cause == "repl"
    starts = [line for line in board.lines if line.startswith("start")]
    assert starts == ["start 0 1", "start 1 4", "start 2 4"] and board.lines[1] == "4"
    assert board.lines.count("never") == 1
    assert [end.cause for end in board.ends] == ["deep-sleep", "deep-sleep", "repl"]
    assert board.wakes == 2 and not board.resets
    assert 1.4 <= board.slept_s < 4 and time.monotonic() - begin > 1.4


def test_deep_sleep_of_a_pico_is_light_sleep_and_a_reset(run):
    board = run(
        "if n < 1: machine.deepsleep(500)\nprint(hasattr(machine, 'DEEPSLEEP_RESET'))", PICO
    )
    assert board.wait_end(20).cause == "repl"
    assert board.lines == ["start 0 1", "start 1 3", "False"]
    assert board.resets == {"reset": 1} and board.wakes == 1
    assert 0.5 <= board.slept_s < 2


@pytest.mark.parametrize(
    "go_on", ["machine.deepsleep(1)", "machine.reset()", "machine.WDT(timeout=1)"]
)
def test_the_memory_of_the_rtc_is_kept_but_for_power_cuts(run, go_on):
    memory = f"""
rtc = machine.RTC()
print("memory", len(rtc.memory()), rtc.memory()[:3], rtc.memory() == bytes(range(256)) * 8)
if n == 0:
    rtc.memory(b"shorter, by and by")
    rtc.memory(bytearray(bytes(range(256)) * 8))
    {go_on}
    time.sleep(9)
if n == 1:
    rtc.memory(b"abc")
    machine.reset()
try:
    rtc.memory(bytes(2049))
except ValueError as e:
    print(e)
"""
    board = run(memory)
    assert board.wait_end(20).cause == "repl"
    assert [line for line in board.lines if "start" not in line] == [
        "memory 0 b'' False",
        "memory 2048 b'\\x00\\x01\\x02' True",
        "memory 3 b'abc' False",
        "buffer too long",
    ]
    board.start()
    board.wait_end(20)
    assert board.lines[-2] == "memory 0 b'' False"


@pytest.mark.parametrize("name", [PICO, "UNIX"])
def test_other_ports_have_no_such_memory(run, name):
    board = run(
        "print(hasattr(machine.RTC(), 'memory'), hasattr(machine.RTC(), 'datetime'))", name
    )
    board.wait_line("False True", 10)


def test_the_watchdog_counts_in_light_sleep_alone(run):
    board = run(
        "machine.WDT(timeout=400)\nif n < 1: machine.deepsleep(1000)\nmachine.lightsleep(5000)"
    )
    board.wait_line("start 2 3", 20)
    assert [end.cause for end in board.ends[:2]] == ["deep-sleep", "watchdog"]


@pytest.mark.parametrize("sleep", ["machine.deepsleep()", "machine.deepsleep(60000)"])
def test_power_fails_in_deep_sleep(run, sleep):
    board = run(f"machine.RTC().memory(b'gone')\n{sleep}")
    board.wait(lambda: board.ends, 10)
    time.sleep(0.3)
    assert board.running
    board.cut_power()
    assert [end.cause for end in board.ends] == ["deep-sleep", "cut"]
    assert 0.3 <= board.slept_s < 5 and board.wakes == 0
    board.start()
    board.wait_line("start 1 1", 10)


FAR = """
begin = time.time()
ticks = time.ticks_ms()
machine.lightsleep(3600000)
passed = time.ticks_diff(time.ticks_ms(), ticks)
print("light", (time.time() - begin) // 60, passed // 60000)
if n < 2:
    print("before", time.time_ns())
    machine.deepsleep(86400000)
"""


@pytest.mark.parametrize(("name", "ticks"), [(ESP32, 60), (PICO, 0)])
def test_sleeping_takes_no_time_and_the_world_goes_ahead(run, name, ticks):
    world = World()
    board = run(FAR, name, world=world, drift_ppm=0)
    assert board.wait_end(20).cause == "repl"
    light = [line for line in board.lines if line.startswith("light")]
    assert light == [f"light 60 {ticks}"] * 3
    assert board.slept_s == world.ahead_s == pytest.approx(2 * 86400 + 3 * 3600)
    assert abs(world.time() - time.time() - board.slept_s) < 0.1
    assert board.wakes == 2 and 0 < board.awake_s < 15


FED = """
watchdog = machine.WDT(timeout=8000)
for _ in range(100):
    watchdog.feed()
    machine.lightsleep(4000)
print("fed")
machine.lightsleep(4100)
"""


def test_a_skipped_sleep_starves_the_watchdog_as_a_real_one(run):
    world = World()
    board = run(f"if n < 1:\n {FED}".replace("\n", "\n "), PICO, world=world)
    board.wait_line("fed", 10)
    board.wait_line("start 1 3", 10)
    assert "in light sleep" in board.ends[0].detail
    assert world.ahead_s == pytest.approx(404, abs=0.5)


CLOCK = """
print("clock", time.gmtime()[0])
if n == 0:
    machine.RTC().datetime((2030, 5, 6, 0, 7, 8, 9, 0))
    machine.deepsleep(2000)
if n == 1:
    machine.reset()
"""


@pytest.mark.parametrize(
    ("name", "years"), [(ESP32, [2000, 2030, 2030, 2000]), (PICO, [2021, 2021, 2021, 2021])]
)
def test_a_clock_that_was_set_goes_on_through_what_the_port_lets_it(run, name, years):
    board = run(CLOCK, name, clock=UNSET, world=World())
    board.wait_end(20)
    board.start()
    board.wait_end(20)
    assert [int(line.split()[1]) for line in board.lines if "clock" in line] == years


def test_a_sleeping_clock_that_is_fast(run):
    # The board wakes when its own clock says so, which is too early.
    world = World()
    tell = "print('time', time.time_ns() // 1000000)\nif n < 1: machine.deepsleep(1000000)"
    board = run(tell, world=world, drift_ppm=250_000)
    board.wait_end(20)
    assert world.ahead_s == pytest.approx(800)
    times = [int(line.split()[1]) for line in board.lines if "time" in line]
    assert 1000 <= (times[1] - times[0]) / 1000 < 1010


def test_power_fails_in_a_light_sleep_that_is_skipped(run):
    world = World()
    board = run("while True:\n  machine.lightsleep(4000)", PICO, world=world, drift_ppm=0)
    for starts in range(1, 9):  # the supervisor's answer may be on its way to a board that is off
        world.plan(world.time() + 10, board.cut_power)
        assert board.wait_end(10).cause == "cut"
        assert len(board.ends) == starts
        board.start()
    assert board.slept_s > 70


def test_power_fails_at_a_flash_operation_from_the_next_start_on(run):
    world = World()
    board = run("if n < 4: machine.deepsleep(1000)", world=world, drift_ppm=0)
    world.plan(world.time() + 1, lambda: board.fail_at(1))  # the number of the start is written
    end = board.wait_end(10)
    assert end.cause == "cut" and [one.cause for one in board.ends[:-1]] == ["deep-sleep"]
    board.start()
    assert board.wait_end(10).cause == "repl"


def test_what_is_planned_happens_while_the_board_sleeps(run):
    world = World()
    seen = []
    board = run("if n < 2: machine.deepsleep(86400000)", world=world, drift_ppm=0)
    begin = world.time()
    world.plan(begin + 100_000, lambda: (seen.append(world.time() - begin), board.cut_power()))
    board.wait_end(20)
    assert seen == [pytest.approx(100_000, abs=5)]
    assert [end.cause for end in board.ends] == ["deep-sleep", "deep-sleep", "cut"]
    assert board.slept_s == pytest.approx(100_000, abs=5) and board.wakes == 1
