"""The firmware on the virtual board updates itself, and survives updates that are bad."""

import time

import pytest

from tests.support.field import DEPLOYED, Field, told, version
from tools.package import keys, releases
from tools.unixport import mpy_cross

RUNS_ON_WITHOUT_SERVER = (("app/__init__.py", '            config["port"],', "            9,"),)


# The second file takes the block that the first leaves.
FILL = """
def fill(name, size):
    try:
        with open(name, "wb") as f:
            while True:
                f.write(bytes(size))
                f.flush()
    except OSError:
        pass

fill("/big", 4096)
fill("/small", 512)
"""
EMPTY = """
import os
for name in ("big", "small"):
    if name in os.listdir("/"):
        os.remove("/" + name)
"""


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def device(sim):
    return sim.add_device("board", "board")


@pytest.fixture
def board(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim)
    yield board
    board.stop()


def start(board, sim, package):
    board.start()
    board.wait_line("start number", 20)
    sim.assign(sim.device("board"), package)


def until_told(board, device, key, last, timeout_s=40):
    board.wait(lambda: told(device, key)[-1:] == [last], timeout_s, f"{key} {last}")


def execute(board, tmp_path, script):
    """Run a line of Python on the flash of a board that is off."""
    path = tmp_path / "script.py"
    path.write_text(script)
    board.execute(path)


def test_commands_and_measurements_go_on_during_a_download(field, sim, device, board):
    sim.link.delay_ms = 100
    package = field.package("1.1")
    start(board, sim, package)
    board.wait(lambda: package.served, 20)
    line, records = len(board.lines), len(device.telemetry)
    assert sim.rpc(device, "setLed", {"on": True}) == {"on": True}
    sim.set_shared(device, interval=0.25)
    board.wait_line("interval 0.25 s", 5, line)
    board.wait(lambda: told(device, "memory") and len(device.telemetry) > records, 5)
    assert "DOWNLOADED" not in told(device, "fw_state")
    sim.link.delay_ms = 0
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"
    assert board.resets == {"reset": 1}


def test_code_that_runs_but_never_reaches_the_server(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, trial=2)
    start(board, sim, field.package("1.2", edits=RUNS_ON_WITHOUT_SERVER))
    until_told(board, device, "fw_state", "FAILED")
    assert "the release before reached the server" in told(device, "fw_error")[-1]
    assert version(sim, device) == DEPLOYED
    assert board.resets == {"reset": 4}  # one to start it, and its three tries
    board.wait_line("update: .* has not reached the server; the factory copy has a turn", 1)
    board.stop()


ENDS = "\nasync def run(self):\n    pass\nApplication.run = run\n"
CANCELS = "\nasync def run(self):\n    raise asyncio.CancelledError\nApplication.run = run\n"
LEAKS = (
    "\nkept = []\nasync def run(self):\n    while True:\n        kept.append(bytes(99))\n"
    "Application.run = run\n"
)


@pytest.mark.parametrize(
    "fault, reason",
    [(ENDS, "the application ended"), (CANCELS, "CancelledError"), (LEAKS, "MemoryError")],
)
def test_other_ways_to_end(field, sim, device, tmp_path, fault, reason):
    board = field.board(tmp_path / "board.img", sim, watchdog=0)
    start(board, sim, field.package("1.2", fault=fault))
    try:
        until_told(board, device, "fw_state", "FAILED")
        assert reason in told(device, "fw_error")[-1]
        assert version(sim, device) == DEPLOYED
    finally:
        board.stop()


def test_a_confirmed_application_outlives_the_limit(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, trial=1)
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"  # so it is confirmed, too
    sim.stop_answering()
    assert not sim.until(lambda: board.resets["reset"] > 1, 3)
    board.stop()


def test_a_new_package_while_one_is_on_trial(field, sim, device, board):
    bad = field.package("1.2", fault="\nraise ValueError(1)\n")
    start(board, sim, bad)
    until_told(board, device, "fw_state", "UPDATING")
    good = field.package("1.3", sequence=3)
    sim.assign(device, good)
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.3"
    board.wait_line("update: fw UPDATED: .* 1.3", 5)
    assert board.resets == {"reset": 5}  # two to start new code, three crashes


def test_a_package_that_was_rolled_back_and_stays_assigned(field, sim, device, board):
    bad = field.package("1.2", fault="\nraise ValueError('so it is')\n")
    start(board, sim, bad)
    until_told(board, device, "fw_state", "FAILED")
    assert "so it is" in told(device, "fw_error")[-1]
    board.wait_line("update: .* is given up for the factory copy: .*so it is", 1)
    board.wait_line("update: fw FAILED: it failed here before: .*so it is", 5)
    board.cut_power()
    times, served = len(told(device, "fw_error")), len(bad.served)
    board.start()
    board.wait(lambda: len(told(device, "fw_error")) > times, 20)
    assert "so it is" in told(device, "fw_error")[-1]
    assert len(bad.served) - served <= 6  # its header
    assert board.resets == {"reset": 4}


def test_a_person_who_stops_it_is_no_failed_try(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, watchdog=1)
    stopped = "\nimport os\nif 'stop' in os.listdir('/'):\n    raise KeyboardInterrupt\n"
    execute(board, tmp_path, "open('/stop', 'w').close()")
    package = field.package("1.1", fault=stopped)
    start(board, sim, package)
    for _ in range(4):
        board.wait_line("stopped", 60, len(board.lines) if board.ends else 0)
        time.sleep(2.5)  # at the prompt, and the watchdog of 1 s does not bite
        assert not board.resets["watchdog"]
        board.stop()
        board.start()
    board.stop()
    execute(board, tmp_path, "import os\nos.remove('/stop')")
    board.start()
    until_told(board, device, "fw_state", "UPDATED")


def test_without_a_state_file_the_update_still_runs(field, sim, device, board, tmp_path):
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATED")
    board.stop()
    execute(board, tmp_path, "import os\nos.remove('/trial.state')")
    device.telemetry.clear()
    board.start()
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"


def test_down_to_the_factory_copy_and_up_again(field, sim, device, board, tmp_path):
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"
    board.stop()
    execute(board, tmp_path, "open('/slot_a/app/__init__.mpy', 'w').close()")
    before = board.resets["reset"]
    board.start()
    board.wait_line("start number 3", 30)
    # An RP2 cannot tell a reset from the watchdog: damage is looked for after the first crash.
    assert board.resets["reset"] - before == 1
    assert version(sim, device) == DEPLOYED
    sim.assign(device, field.package("1.3", sequence=3))
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.3"


def test_confirmed_code_that_hangs_since_the_flash_has_lost_a_bit(
    field, sim, device, board, tmp_path
):
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"
    board.stop()
    hang = tmp_path / "hang.py"
    hang.write_text("while True:\n    pass\n")
    name = "slot_a/app/__init__.mpy"
    damaged = tmp_path / "damage" / name
    mpy_cross(hang, damaged)
    damaged.write_bytes(damaged.read_bytes().ljust(len(board.read("/" + name)), b"\0"))
    board.deploy(tmp_path / "damage", compiled=False)
    device.telemetry.clear()
    board.start()
    until_told(board, device, "fw_state", "UPDATED")  # by the factory copy; put right, not refused
    assert version(sim, device) == "1.1"
    assert board.resets["watchdog"] == 1


def test_the_other_prefix_of_the_one_slot_is_refused(field, sim, device, board):
    start(board, sim, field.package("1.1", kind="sw"))
    until_told(board, device, "sw_state", "FAILED")
    assert told(device, "sw_error") == ["this board takes no sw"]


def test_a_board_without_keys_takes_no_updates(field, sim, device, board, tmp_path):
    execute(board, tmp_path, f"import os\nos.remove('/{keys.BOARD_FILE}')")
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "FAILED")
    assert told(device, "fw_error") == ["signed with an unknown key"]


def test_a_board_with_two_keys_takes_what_either_signed(field, sim, device, board, key, tmp_path):
    both = keys.public_bytes(key) + keys.public_bytes(field.key)
    execute(board, tmp_path, f"f = open('/update.keys', 'wb')\nf.write({both!r})\nf.close()")
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATED")
    sources = releases.copy(tmp_path / "release", "1.2")
    sim.assign(device, releases.build(sources, key, version="1.2", sequence=3))
    until_told(board, device, "current_fw_version", 1.2)
    assert version(sim, device) == "1.2"


def test_the_server_restarts_in_the_middle_of_a_download(field, sim, device, board):
    sim.link.delay_ms = 50
    package = field.package("1.1")
    start(board, sim, package)
    board.wait(lambda: len(package.served) > 10, 20)
    sim.restart()
    until_told(board, device, "fw_state", "UPDATED")


def test_unassigned_in_the_middle_of_a_download(field, sim, device, board):
    sim.link.delay_ms = 50
    package = field.package("1.1")
    start(board, sim, package)
    board.wait(lambda: len(package.served) > 10, 20)
    sim.unassign(device)
    served = len(package.served)
    assert not sim.until(lambda: len(package.served) > served + 6, 3)
    assert "FAILED" not in told(device, "fw_state") and not board.resets
    sim.assign(device, package)
    until_told(board, device, "fw_state", "UPDATED")


def test_a_flash_that_others_have_filled(field, sim, device, board, tmp_path):
    execute(board, tmp_path, FILL)
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "FAILED")
    assert "blocks of flash" in told(device, "fw_error")[-1]
    assert version(sim, device) == DEPLOYED
    board.stop()
    execute(board, tmp_path, EMPTY)
    board.start()
    until_told(board, device, "fw_state", "UPDATED")


def test_a_flash_that_is_full_when_the_trial_begins(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, trial=1)
    start(board, sim, field.package("1.1"))
    until_told(board, device, "fw_state", "UPDATING")
    board.cut_power()
    execute(board, tmp_path, FILL)
    device.telemetry.clear()
    board.start()
    # The state of a trial is so short that LittleFS needs no block for it: the tries are counted.
    until_told(board, device, "fw_state", "UPDATED")
    assert version(sim, device) == "1.1"
    resets = board.resets["reset"]
    assert not sim.until(lambda: board.resets["reset"] > resets, 3)  # it is left in peace
    board.stop()


def test_an_esp32_takes_firmware_and_application(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, board="ESP32_GENERIC-OTA")
    start(board, sim, field.firmware_package("1.28"))
    until_told(board, device, "fw_state", "UPDATED")
    assert told(device, "current_fw_version")[-1] == 1.28
    sim.assign(device, field.package("1.1", kind="sw", board="ESP32_GENERIC-OTA"))
    until_told(board, device, "sw_state", "UPDATED")
    assert version(sim, device) == "1.1"
    assert board.resets == {"reset": 2}
    board.stop()


def test_power_fails_while_an_esp32_image_is_on_trial(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, board="ESP32_GENERIC-OTA")
    package = field.firmware_package("1.28")
    start(board, sim, package)
    until_told(board, device, "fw_state", "UPDATING")
    sim.stop_answering()
    starts = len(board.lines)
    board.wait(lambda: board.resets, 20)
    board.wait_line("measured", 20, starts)  # started, and not confirmed
    board.cut_power()
    sim.answer_again()
    served = sum(n for _, _, n in package.served)
    board.start()  # the boot loader goes back; the image is hashed and started again
    until_told(board, device, "fw_state", "UPDATED")
    assert sum(n for _, _, n in package.served) - served <= 6 * 1024
    board.stop()
