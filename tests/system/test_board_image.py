"""tools.board.image: file systems made on the host, from which virtual boards start."""

import json
import subprocess
import sys

import pytest

from tests.support.field import DEPLOYED, Field, told, version
from tools import boards
from tools.board import image, uf2
from tools.package import keys
from tools.unixport import ROOT
from tools.vboard import Board, Network


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


def make(folder, key, board, settings, *more):
    """Run the tool; its files are in the folder."""
    given = folder / "settings.json"
    given.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "tools.board", "image", "--board", board, "--out", folder]
    command += ["--settings", given, "--key", key, *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def content(file, board):
    """Return what a file puts on the flash, at the begin of the file system."""
    data = file.read_bytes()
    if file.suffix == ".bin":
        return data
    blocks = uf2.decode(data)
    uf2.check(blocks, board.uf2_family, board.flash_size)
    assert blocks[0].address == uf2.FLASH + board.filesystem.offset
    return b"".join(block.data for block in blocks)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("UNIX", ".bin"), ("RPI_PICO_W", ".uf2"), ("ESP32_GENERIC-OTA", ".bin")],
)
def test_a_board_starts_from_an_image_and_updates_itself(field, sim, tmp_path, name, suffix):
    known = boards.load(name)
    device = sim.add_device("board", "board")
    settings = {"server": "things.example", "port": sim.port, "access_token": "board"}
    settings |= {"interval": 1, "wifi_ssid": "air", "wifi_password": "secret"}
    run = make(tmp_path, field.folder / "key.pem", name, settings)
    assert run.returncode == 0, run.stderr
    file = tmp_path / f"{name}-filesystem{suffix}"
    assert file.stat().st_mode & 0o077 == 0  # there are secrets in it

    board = Board(tmp_path / "flash", board=name, network=Network({"things.example": [sim.host]}))
    board.format()
    at = known.filesystem.offset if known.port == "esp32" else 0
    board.flash.write(at, content(file, known))
    board.start()
    try:
        board.wait(lambda: told(device, "heap"), 30, "telemetry")
        assert sim.until(lambda: sim.observes(device, "rpc"), 20)
        assert sim.rpc(device, "getInfo")["version"] == DEPLOYED
        # An ESP32 with two partitions takes MicroPython itself as fw_*.
        kind = "sw" if known.port == "esp32" else "fw"
        sim.assign(device, field.package("1.1", kind=kind, board=name))
        board.wait(lambda: told(device, kind + "_state")[-1:] == ["UPDATED"], 60, "UPDATED")
        assert version(sim, device) == "1.1"
        assert not board.resets["watchdog"]
    finally:
        board.stop()


def test_settings_are_checked(field, tmp_path):
    run = make(tmp_path, field.folder / "key.pem", "UNIX", {"server": "a", "interwal": 1})
    assert run.returncode == 1
    assert run.stderr.startswith(f"image: {tmp_path}/settings.json: ")
    assert "did you mean interval?" in run.stderr
    assert not list(tmp_path.glob("*.bin"))


def test_what_does_not_fit_is_refused_with_the_sizes(tmp_path):
    filesystem = boards.load("UNIX").filesystem
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "large").write_bytes(bytes(filesystem.size + 1))
    wanted = filesystem.size + 4096 + 2 * 4096
    text = f"want {wanted} bytes of flash, the file system has {filesystem.size};"
    with pytest.raises(ValueError, match=text):
        image.pack(tmp_path, filesystem)


def test_an_unknown_board_is_named(field, tmp_path):
    run = make(tmp_path, field.folder / "key.pem", "PICO_W", {"server": "a"})
    assert run.stderr.startswith("image: no board PICO_W; there are RPI_PICO_W")
    assert run.returncode == 1


def test_the_public_keys_are_in_it_and_no_private_one(field, tmp_path):
    run = make(tmp_path, field.folder / "key.pem", "UNIX", {"server": "a", "access_token": "t"})
    assert run.returncode == 0, run.stderr
    data = (tmp_path / "UNIX-filesystem.bin").read_bytes()
    assert keys.public_bytes(field.key)[:64] in data
    assert b"PRIVATE KEY" not in data
