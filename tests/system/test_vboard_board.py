"""The virtual board starts, resets, starves and gets stuck as a board does."""

import io
import re
import runpy
import time

import pytest

from tests.support.programs import COUNTED, boards
from tools.vboard import BoardError, protocol
from tools.vboard.host import compiler


@pytest.fixture
def start(tmp_path):
    with boards(tmp_path) as start:
        yield lambda main, **files: start(main, files)


def test_it_starts_as_a_board_does(start):
    board = start(
        "import helper, os, sys\nprint(__name__, sys.path, sys.argv, os.getcwd(), helper)",
        boot="print('boot first')",
        helper="",
    )
    assert board.wait_end(10).cause == "repl"
    assert board.lines == [
        "boot first",
        "__main__ ['', '.frozen', '/lib'] [] / <module 'helper' from 'helper.mpy'>",
    ]


def test_reset_restarts_and_nothing_runs_after_it(start):
    board = start(
        COUNTED + "if n < 2:\n  try:\n    machine.reset()\n  finally:\n    print('after')"
    )
    assert board.wait_end(10).cause == "repl"
    assert board.lines == ["start 0 1", "start 1 3", "start 2 3"]
    assert board.resets == {"reset": 2}


def test_a_program_that_ends_is_stuck_at_the_repl(start):
    board = start("import sys\nsys.exit()")
    assert board.wait_end(10).cause == "repl"
    with pytest.raises(BoardError, match="ended before"):
        board.wait_line("never", 5)


def test_a_crash_shows_its_traceback_and_is_stuck(start):
    board = start("import helper", helper="def f():\n    return 1 / 0\n\nf()")
    assert board.wait_end(10).cause == "repl"
    assert 'File "helper.py", line 2, in f' in board.console()
    assert board.lines[-1] == "ZeroDivisionError: divide by zero"


@pytest.mark.parametrize(
    "ending, where",
    [("while True: pass", ""), ("import time; time.sleep(60)", ""), ("1/0", "(at the REPL)")],
)
def test_a_starved_watchdog_restarts(start, ending, where):
    board = start(COUNTED + f"if n == 0:\n  machine.WDT(timeout=300)\n  {ending}")
    assert board.wait_end(10).cause == "repl"
    assert board.resets == {"watchdog": 1}
    assert board.ends[0].detail.endswith(where)
    assert board.lines[-1] == "start 1 3"


def test_a_fed_watchdog_does_not_bite(start):
    board = start(
        "import machine, time\nw = machine.WDT(timeout=400)\n"
        "for _ in range(20):\n  time.sleep_ms(50)\n  w.feed()\nprint('done')"
    )
    board.wait_line("done", 10)
    assert board.wait(lambda: board.resets, 10) == {"watchdog": 1}  # at the REPL nobody feeds it


def test_the_longest_watchdog_is_that_of_an_rp2040(start):
    board = start("import machine\nmachine.WDT(timeout=8389)")
    assert board.wait_end(10).cause == "repl"
    assert board.lines[-1].startswith("ValueError")


def test_power_can_be_cut_and_comes_back(start):
    board = start(COUNTED + "import time\ntime.sleep(60)")
    board.wait_line("start 0 1", 10)
    began = time.monotonic()
    board.cut_power()
    assert board.ends[-1].cause == "cut" and time.monotonic() - began < 2
    assert not board.running
    board.start()
    board.wait_line("start 1 1", 10)


def test_the_led_and_the_heap(start):
    board = start(
        "import machine, gc\nled = machine.Pin('LED', machine.Pin.OUT)\nled.on()\n"
        "gc.collect()\nprint(gc.mem_alloc() + gc.mem_free())"
    )
    assert board.wait_end(10).cause == "repl"
    assert board.led == 1
    kib = (int(board.heap) + board.own) / 1024
    assert 0.95 * kib < int(board.lines[0]) / 1024 <= kib


def test_the_host_sensors_are_read_only(start):
    board = start("print(open('/proc/uptime').read())\nopen('/proc/self/comm', 'w')")
    assert board.wait_end(10).cause == "repl"
    assert float(board.lines[0].split()[0]) > 0
    assert board.lines[-1] == "OSError: 30"  # EROFS


def test_errors_of_a_script_and_of_the_caller(start, tmp_path):
    board = start("import time\ntime.sleep(60)")
    with pytest.raises(BoardError, match="is on"):
        board.read("/main.py")
    board.stop()
    assert board.read("/main.py") == b"import time\ntime.sleep(60)"
    with pytest.raises(BoardError, match="ENOENT"):
        board.read("/nothing")


def test_what_is_no_word_of_the_protocol_ends_the_run(start):
    board = start("import vboard\nvboard.control.tell('sing', 'loudly')\nwhile True: pass")
    end = board.wait_end(10)
    assert (end.cause, end.detail) == ("fault", "no word of the protocol: sing loudly")


def test_the_words_of_the_protocol_are_read_as_they_are_sent():
    control = runpy.run_path(compiler.DEVICE / "control.py")
    for word, argument in (("watchdog", 300), ("repl", ""), ("fault", "two words"), ("led", 0)):
        stream = io.StringIO()
        control["connect"](stream)
        control["tell"](word, argument)
        line, end, more = stream.getvalue().partition("\n")
        assert protocol.parse(line) == (word, str(argument)) and (end, more) == ("\n", "")


def test_the_board_has_the_values_of_the_protocol_and_not_its_names():
    source = (
        "import vboard.protocol as protocol\n\nhalt(protocol.CUT, protocol.BLOCK)  # protocol.py\n"
    )
    assert compiler.with_values(source) == "\n\nhalt('cut', 4096)  # protocol.py\n"
    with pytest.raises(AttributeError):
        compiler.with_values("tell(protocol.NO_SUCH_WORD)")


def test_the_start_code_leaves_the_heap_and_its_names_to_the_program(start):
    board = start(
        "import gc, micropython\ngc.collect()\nprint(gc.mem_alloc())\nmicropython.qstr_info()"
    )
    assert board.wait_end(10).cause == "repl"
    assert int(board.lines[0]) <= 19_500  # which the heap has in addition (host/ports.py)
    assert int(re.search(r"n_qstr=(\d+)", board.lines[1])[1]) <= 102
