"""A virtual board's console over a pseudo-terminal: host tools, soft resets, and the watchdog."""

import os
import select
import subprocess
import sys
import time

import pytest

from tools.vboard import Board, Console

WORKS = """
import machine, time
watchdog = machine.WDT(timeout=%d)
try:
    print("arms", machine.reset_cause())
    while True:
        time.sleep_ms(50)
        watchdog.feed()
except KeyboardInterrupt:
    print("stopped")
    %s
"""
FEEDS = """machine.Timer(
        -1, mode=machine.Timer.PERIODIC, period=500, callback=lambda timer: watchdog.feed()
    )"""


class Terminal:
    """What a person or a tool at the other end does."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def write(self, data):
        os.write(self._fd, data)

    def read_until(self, end, timeout_s=10):
        data = b""
        deadline = time.monotonic() + timeout_s
        while end not in data:
            assert time.monotonic() < deadline, data
            if select.select([self._fd], [], [], 0.2)[0]:
                data += os.read(self._fd, 1000)
        return data

    def close(self):
        os.close(self._fd)


@pytest.fixture
def run(tmp_path):
    boards = []

    def start(main, boot="", name="UNIX"):
        root = tmp_path / "root"
        root.mkdir()
        (root / "main.py").write_text(main)
        (root / "boot.py").write_text(boot)
        board = Board(tmp_path / "flash.img", board=name, console=Console())
        board.format()
        board.deploy(root, compiled=False)
        board.start()
        boards.append(board)
        return board

    yield start
    for board in boards:
        board.stop()


def test_ctrl_c_leads_to_the_prompt(run):
    board = run(WORKS % (8000, "pass"))
    board.wait_line("arms 1", 10)
    terminal = Terminal(board.serial.path)
    terminal.write(b"\x03")
    terminal.read_until(b">>> ")
    terminal.write(b"print(6 * 7)\r")
    terminal.read_until(b"42\r\n>>> ")
    terminal.close()


@pytest.mark.parametrize("after_ms", range(0, 60, 6))
def test_ctrl_c_waits_while_a_board_starts(run, after_ms):
    board = run("print('runs')\nwhile True: pass")
    terminal = Terminal(board.serial.path)
    time.sleep(after_ms / 1000)
    terminal.write(b"\x03")
    terminal.read_until(b">>> ")
    terminal.write(b"import sys; print(sys.path, 6 * 7)\r")
    terminal.read_until(b"['', '.frozen', '/lib'] 42\r\n>>> ")
    terminal.close()


@pytest.mark.parametrize("fault", ["raise ValueError('no')", "raise KeyboardInterrupt"])
def test_after_a_boot_that_failed_there_is_no_main(run, fault):
    board = run("print('runs')", boot=fault)
    terminal = Terminal(board.serial.path)
    said = terminal.read_until(b">>> ")
    assert b"Traceback" in said and b"runs" not in said
    terminal.close()


def test_the_watchdog_bites_at_the_prompt(run):
    board = run(WORKS % (1500, "pass"))
    board.wait_line("arms 1", 10)
    terminal = Terminal(board.serial.path)
    terminal.write(b"\x03")
    board.wait_line("arms 3", 10)
    assert board.resets["watchdog"] == 1
    terminal.close()


def test_a_timer_feeds_at_the_prompt(run):
    board = run(WORKS % (1500, FEEDS))
    board.wait_line("arms 1", 10)
    terminal = Terminal(board.serial.path)
    terminal.write(b"\x03")
    board.wait_line("stopped", 10)
    time.sleep(4)
    assert not board.resets
    terminal.close()


def test_a_soft_reset_ends_the_timer_and_not_the_watchdog(run):
    board = run(WORKS % (2500, FEEDS), boot="print('boot')")
    board.wait_line("arms 1", 10)
    terminal = Terminal(board.serial.path)
    terminal.write(b"\x03")
    terminal.read_until(b">>> ")
    terminal.write(b"\x01")
    terminal.read_until(b"raw REPL; CTRL-B to exit\r\n>")
    terminal.write(b"\x04")
    terminal.read_until(b"soft reboot\r\n")
    terminal.read_until(b"raw REPL; CTRL-B to exit\r\n>")
    assert board.lines.count("boot") == 2
    assert sum(line.startswith("arms") for line in board.lines) == 1
    board.wait_line("arms 3", 10)
    assert [end.cause for end in board.ends] == ["soft", "watchdog"]
    terminal.close()


@pytest.mark.parametrize(("name", "cause"), [("UNIX", 1), ("ESP32_GENERIC-OTA", 5)])
def test_a_soft_reset_at_the_friendly_prompt_runs_main(run, name, cause):
    board = run("import machine\nprint('main', machine.reset_cause())", name=name)
    board.wait_line("main 1", 10)
    terminal = Terminal(board.serial.path)
    terminal.read_until(b">>> ")
    terminal.write(b"\x04")
    terminal.read_until(b"main %d\r\n" % cause)
    terminal.close()


def command(board, *words):
    return [sys.executable, "-m", "mpremote", "connect", board.serial.path, *words]


def mpremote(board, *words):
    done = subprocess.run(command(board, *words), capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def files(tmp_path):
    """Files that take more than ten seconds at 115200 baud."""
    folder = tmp_path / "files"
    (folder / "app").mkdir(parents=True)
    for n in range(6):
        (folder / "app" / f"{n}.bin").write_bytes(os.urandom(6000))
    return folder


def test_a_deployment_is_cut_off_by_a_watchdog_that_nobody_feeds(run, files):
    board = run(WORKS % (8000, "pass"))
    board.wait_line("arms 1", 10)
    # mpremote waits for the board's answer for ever, so it is not waited for.
    copying = subprocess.Popen(command(board, "resume", "cp", "-r", f"{files}/app", ":"))
    board.wait(lambda: board.resets["watchdog"], 20, "the watchdog's reset")
    cut_off = copying.poll() is None
    copying.kill()
    copying.wait()
    assert cut_off


def test_a_deployment_ends_whole_if_a_timer_feeds(run, files):
    board = run(WORKS % (8000, FEEDS))
    board.wait_line("arms 1", 10)
    start = time.monotonic()
    code, said = mpremote(board, "resume", "cp", "-r", f"{files}/app", ":")
    assert code == 0, said
    assert time.monotonic() - start > 8 and not board.resets
    board.stop()
    for file in (files / "app").iterdir():
        assert board.read(f"/app/{file.name}") == file.read_bytes()
