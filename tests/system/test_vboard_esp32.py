"""The virtual ESP32: partitions by ESP-IDF's rules, and otadata as its boot loader moves it."""

import hashlib
import struct

import pytest

from tools.vboard import APP_AT, Board, BoardError, app_image

OTADATA, OTA_1 = 0xD000, 0x190000
STATES = {0: "NEW", 1: "PENDING_VERIFY", 2: "VALID", 3: "INVALID", 4: "ABORTED"}

# Tells where it runs, then does as the file `todo` says, once.
MAIN = """
import machine, os, time
from esp32 import Partition
print("runs", Partition(Partition.RUNNING).info()[4], machine.reset_cause())
try:
    todo = open("todo").read()
    os.remove("todo")
except OSError:
    todo = "pass"
exec(todo)
"""
INSTALL = """
target = Partition(Partition.RUNNING).get_next_update()
image = open("image", "rb").read()
for n in range(0, len(image), 4096):
    block = image[n : n + 4096]
    target.writeblocks(n // 4096, block + b"\\xff" * (4096 - len(block)))
target.set_boot()
machine.reset()
"""
CONFIRM = "Partition.mark_app_valid_cancel_rollback(); machine.reset()"


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "flash.img", board="ESP32_GENERIC-OTA", heap="1M")
    board.format()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/main.py").write_text(MAIN)
    board.deploy(tmp_path / "root")
    return board


def boot(board, tmp_path, todo="pass", image=None, **cut):
    """Start with something to do and return the console's lines, once the board is at rest."""
    files = tmp_path / "files"
    files.mkdir(exist_ok=True)
    (files / "todo").write_text(todo)
    (files / "image").write_bytes(image or b"")
    board.deploy(files)
    after = len(board.lines)
    board.start(**cut)
    board.wait_end(20)
    return board.lines[after:]


def otadata(board):
    """Return [(sequence, state)] of the two entries."""
    data = board.flash.image.read_bytes()[OTADATA:]
    entries = [struct.unpack("<I20sI", data[n : n + 28]) for n in (0, 4096)]
    return [(s, STATES[state]) if s != 0xFFFFFFFF else None for s, _, state in entries]


def test_a_new_board_runs_ota_0(board, tmp_path):
    assert boot(board, tmp_path) == ["runs ota_0 1"]
    assert otadata(board) == [(1, "VALID"), None]


def test_a_new_image_is_started_and_stays_when_confirmed(board, tmp_path):
    boot(board, tmp_path)
    lines = boot(board, tmp_path, INSTALL, app_image("2.0"))
    assert lines == ["runs ota_0 1", "runs ota_1 2"]
    assert otadata(board) == [(1, "VALID"), (2, "PENDING_VERIFY")]


def test_confirmed(board, tmp_path):
    boot(board, tmp_path)
    then = f"with open('todo', 'w') as f: f.write({CONFIRM!r})\nmachine.reset()"
    todo = INSTALL.replace("machine.reset()", then)
    lines = boot(board, tmp_path, todo, app_image("2.0"))
    assert lines == ["runs ota_0 1", "runs ota_1 2", "runs ota_1 2"]
    assert otadata(board) == [(1, "VALID"), (2, "VALID")]
    assert boot(board, tmp_path, INSTALL, app_image("3.0"))[-1] == "runs ota_0 2"
    assert otadata(board) == [(3, "PENDING_VERIFY"), (2, "VALID")]


def test_unconfirmed_it_goes_back_at_the_next_start(board, tmp_path):
    boot(board, tmp_path)
    boot(board, tmp_path, INSTALL, app_image("2.0"))
    assert boot(board, tmp_path) == ["runs ota_0 1"]
    assert otadata(board) == [(1, "VALID"), (2, "ABORTED")]
    todo = "Partition('ota_1').set_boot(); machine.reset()"  # what is there may be tried again
    assert boot(board, tmp_path, todo) == ["runs ota_0 1", "runs ota_1 2"]


@pytest.mark.parametrize("half", [False, True])
def test_power_fails_at_each_operation_of_a_switch(board, tmp_path, half):
    boot(board, tmp_path)
    board.flash.write(OTA_1, app_image("2.0"))
    todo = "Partition('ota_1').set_boot(); machine.reset()"
    seen = set()
    for cut_at in range(1, 12):
        other = Board(tmp_path / "other.img", board="ESP32_GENERIC-OTA")
        board.flash.copy(other.flash.image)
        boot(other, tmp_path, todo, cut_at=cut_at, half=half)
        if other.ends[-1].cause != "cut":
            break
        seen.add(boot(other, tmp_path)[-1])
    assert cut_at > 3
    assert seen <= {"runs ota_0 1", "runs ota_1 1"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda image: b"\xff" * len(image),
        lambda image: image[:-1] + b"\x00",
        lambda image: image[:1000],
        lambda image: image[:5000] + b"\x00" + image[5001:],
    ],
)
def test_set_boot_refuses_a_broken_image(board, tmp_path, damage):
    boot(board, tmp_path)
    board.flash.write(OTA_1, damage(app_image("2.0")))
    lines = boot(board, tmp_path, "Partition('ota_1').set_boot()")
    assert lines[-1].startswith("OSError: (-5379")
    assert boot(board, tmp_path) == ["runs ota_0 1"]


def test_a_boot_loader_in_the_place_of_an_app_is_taken_but_not_started(board, tmp_path):
    boot(board, tmp_path)
    image = bytearray(app_image("2.0"))
    image[32:36] = bytes(4)
    board.flash.write(OTA_1, image[:-32] + hashlib.sha256(image[:-32]).digest())
    todo = "Partition('ota_1').set_boot(); machine.reset()"
    assert boot(board, tmp_path, todo) == ["runs ota_0 1", "runs ota_0 2"]


def test_without_any_image_it_does_not_start(board):
    board.flash.write(APP_AT, bytes(4096))
    board.start()
    end = board.wait_end(10)
    assert end.cause == "fault" and "no partition" in end.detail


@pytest.mark.parametrize(
    "code, error",
    [
        ("Partition('ota_1').writeblocks(0, bytes(4095))", "-260"),
        ("Partition('ota_1').writeblocks(384, bytes(4096))", "-260"),
        ("Partition('ota_1').readblocks(385, bytearray(1))", "-258"),
        ("Partition('ota_1').ioctl(6, 384)", "-260"),
        ("Partition('vfs').set_boot()", "-258"),
        ("Partition('ota_2')", "2"),
    ],
)
def test_what_esp_idf_refuses(board, tmp_path, code, error):
    assert error in boot(board, tmp_path, code)[-1]
    assert board.ends[-1].cause == "repl"


def test_the_running_partition_is_not_written(board, tmp_path):
    boot(board, tmp_path, "Partition('ota_0').ioctl(6, 0)")
    assert board.ends[-1].cause == "fault"


def test_a_partition_is_a_block_device(board, tmp_path):
    code = """
p = Partition("ota_1")
print(p.info(), p.ioctl(4, 0), p.ioctl(5, 0), p.ioctl(1, 0), p.ioctl(9, 0))
print([q.info()[4] for q in Partition.find(Partition.TYPE_APP)])
p.ioctl(6, 3)
p.writeblocks(3, b"any length", 5)
buf = bytearray(12)
p.readblocks(3, buf, 4)
print(buf)
"""
    assert boot(board, tmp_path, code)[1:] == [
        "(0, 17, 1638400, 1572864, 'ota_1', False) 384 4096 0 None",
        "['ota_0', 'ota_1']",
        "bytearray(b'\\xffany length\\xff')",
    ]
    with pytest.raises(BoardError, match="fault .* was not erased"):
        (tmp_path / "again.py").write_text(
            "import esp32\nesp32.Partition('ota_1').writeblocks(3, b'~~~', 5)"
        )
        board.execute(tmp_path / "again.py")
