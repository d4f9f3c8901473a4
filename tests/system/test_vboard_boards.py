"""The virtual board as each of boards/: its geometry and name, and the firmware on it."""

import pytest

from tests.support.field import DEPLOYED, Field, told, version
from tools import boards
from tools.vboard import BLOCK, Board, Network

NAMES = boards.names()
HOST = "things.example"

ABOUT = """
import sys, vfs
print("name", sys.implementation._build, sys.implementation.version == sys.implementation[1])
statistics = __import__("os").statvfs("/")
print("flash", statistics[1] * statistics[2])
"""
PARTITIONS = """
from esp32 import Partition
for kind in (Partition.TYPE_APP, Partition.TYPE_DATA):
    for partition in Partition.find(kind):
        print(*partition.info()[1:5])
running = Partition(Partition.RUNNING)
print("runs", running.info()[4], Partition(Partition.BOOT).info()[4])
for call in (running.get_next_update, running.set_boot, running.mark_app_valid_cancel_rollback):
    try:
        call()
    except OSError as error:
        print(error.errno)
"""


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


def executed(board, tmp_path, code):
    path = tmp_path / "script.py"
    path.write_text(code)
    return board.execute(path).splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_its_name_and_the_size_of_its_file_system(tmp_path, name):
    known = boards.load(name)
    board = Board(tmp_path / "flash.img", board=name)
    board.format()
    said = executed(board, tmp_path, ABOUT)
    assert said[1] == f"flash {known.filesystem.size}"
    if known.port != "unix":  # which has the interpreter's
        assert said[0] == f"name {known.build} True"
        whole = known.flash_size if known.port == "esp32" else known.filesystem.size
        assert board.flash.image.stat().st_size == whole == board.flash.blocks * BLOCK


@pytest.mark.parametrize(
    ("name", "vfs_size"),
    [("ESP32_GENERIC", 0x200000), ("ESP32_GENERIC_S3", 0x600000), ("ESP32_GENERIC_C3", 0x200000)],
)
def test_an_esp32_with_one_application(tmp_path, name, vfs_size):
    board = Board(tmp_path / "flash.img", board=name)
    board.format()
    assert executed(board, tmp_path, PARTITIONS) == [
        f"0 {0x10000} {0x1F0000} factory",
        f"2 {0x9000} {0x6000} nvs",
        f"1 {0xF000} {0x1000} phy_init",
        f"129 {0x200000} {vfs_size} vfs",
        "runs factory factory",
        "2",  # ENOENT: there is no other
        "-261",  # ESP_ERR_NOT_FOUND: no otadata
        "-261",
    ]


def test_without_its_application_it_does_not_start(tmp_path):
    board = Board(tmp_path / "flash.img", board="ESP32_GENERIC")
    board.format()
    board.flash.write(0x10000, bytes(BLOCK))
    board.start()
    end = board.wait_end(10)
    assert end.cause == "fault" and "no partition" in end.detail


def test_an_unknown_board_is_told_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="no board PICO_W; there are RPI_PICO_W"):
        Board(tmp_path / "flash.img", board="PICO_W")


@pytest.fixture
def place(field, sim, tmp_path):
    """A function that returns a board with Wi-Fi, switched on, and what the server knows of it."""
    made = []

    def board(name, **settings):
        device = sim.add_device("board", "board")
        settings = {"server": HOST, "wifi_ssid": "air", "wifi_password": "secret", **settings}
        conditions = {"network": Network({HOST: [sim.host]})}
        made.append(field.board(tmp_path / "board.img", sim, name, conditions, **settings))
        made[0].start()
        return made[0], device

    yield board
    for board in made:
        board.stop()


@pytest.mark.parametrize("name", NAMES)
def test_the_firmware_starts_and_its_telemetry_is_accepted(sim, place, name):
    board, device = place(name)
    assert sim.until(lambda: len(told(device, "heap")) > 2, 30), board.console()
    assert not [line for line in board.lines if "board.json" in line]  # its facts are right
    assert not board.resets


@pytest.mark.parametrize("name", ["ESP32_GENERIC", "RPI_PICO_W", "RPI_PICO2_W"])
def test_it_updates_its_application(field, sim, place, name):
    board, device = place(name)
    sim.assign(device, field.package("1.1", board=name))
    board.wait(lambda: told(device, "fw_state")[-1:] == ["UPDATED"], 60, "UPDATED")
    assert version(sim, device) == "1.1"
    assert board.resets == {"reset": 1}


def test_a_package_for_another_board_is_refused(field, sim, place):
    board, device = place("RPI_PICO2_W")
    sim.assign(device, field.package("1.1", board="RPI_PICO_W"))
    board.wait(lambda: told(device, "fw_state")[-1:] == ["FAILED"], 40, "FAILED")
    assert version(sim, device) == DEPLOYED
