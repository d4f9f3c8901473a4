"""The firmware on a virtual board with Wi-Fi: by name, through outages, and stopped by a cable."""

import os
import subprocess
import sys
import time

import pytest

from tests.support.field import Field, told
from tools.tbsim import Simulator
from tools.vboard import Console, Network

NAME = "things.example"


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def sim():
    with Simulator() as sim:
        yield sim


@pytest.fixture
def place(field, sim, tmp_path):
    """A function that returns a board with Wi-Fi and what the server knows of it."""
    boards = []

    def board(name="UNIX", **settings):
        device = sim.add_device("board", "board")
        conditions = {"network": Network({NAME: [sim.host]}), "console": Console()}
        settings = {"server": NAME, "wifi_ssid": "air", "wifi_password": "secret", **settings}
        made = field.board(tmp_path / "board.img", sim, name, conditions, **settings)
        made.start()
        boards.append(made)
        return made, device

    yield board
    for made in boards:
        made.stop()


@pytest.mark.parametrize("name", ["UNIX", "ESP32_GENERIC-OTA"])
def test_it_goes_on_after_the_link_and_the_dns_were_dead(sim, place, name):
    board, device = place(name)
    assert sim.until(lambda: told(device, "heap"), 30), board.console()
    board.network.link = False
    board.network.dns = "silent"
    board.wait_line("wifi: no connection|wifi: joining", 30, len(board.lines))
    board.network.link = True
    count = len(told(device, "heap"))
    assert sim.until(lambda: len(told(device, "heap")) > count + 3, 60), board.console()
    assert not board.resets


def test_a_dead_dns_at_the_start_leads_to_no_restart(sim, place):
    board, device = place("UNIX")
    board.network.dns = "silent"
    board.wait_line("wifi: joined", 30)
    with pytest.raises(Exception, match="no a restart"):
        board.wait(lambda: board.resets, 10, "a restart")
    board.network.dns = "answers"
    assert sim.until(lambda: told(device, "heap"), 90), board.console()
    assert not board.resets


def test_an_unknown_name_is_one_line_in_words(place):
    board, _ = place("UNIX", server="nobody.example")
    board.wait_line("no such name: nobody.example", 30)
    board.wait_line("measured", 30)
    time.sleep(5)  # all jobs try several times
    lines = board.console(1000)
    assert lines.count("nobody.example") == 1 and "OSError" not in lines, lines
    assert "secret" not in lines


def test_a_second_deployment_by_cable_ends_whole(place, tmp_path):
    board, _ = place("UNIX")
    board.wait_line("wifi: joined", 30)
    folder = tmp_path / "more"
    folder.mkdir()
    for n in range(8):
        (folder / f"{n}.bin").write_bytes(os.urandom(6000))
    command = [sys.executable, "-m", "mpremote", "connect", board.serial.path]
    copy = ["cp", "-r", str(folder), ":"]
    done = subprocess.run([*command, *copy], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done, board.console())
    assert not board.resets, board.console()
    board.stop()
    for file in folder.iterdir():
        assert board.read(f"/more/{file.name}") == file.read_bytes()


def test_a_planned_restart_loses_no_record(sim, field, tmp_path):
    device = sim.add_device("board", "board")
    board = field.board(tmp_path / "board.img", sim)
    board.start()
    assert sim.until(lambda: sim.observes(device, "rpc"), 20), board.console()
    sim.switches.mute = ("telemetry",)
    seen = len(board.lines)

    def measured():
        lines = [line.split() for line in board.lines[seen:] if " measured 1" in line]
        return {int(words[2]) for words in lines}

    board.wait(lambda: len(measured()) > 3, 20, "records")
    assert sim.rpc(device, "reboot") == {"ok": True}
    board.wait_line("start number 2", 20)
    sim.switches.mute = ()
    waited = measured()

    def missing():
        # A line is written some milliseconds after its record was made.
        stored = [point.ts for point in list(device.telemetry)]
        return [ts for ts in waited if not any(0 <= ts - other < 100 for other in stored)]

    assert sim.until(lambda: not missing(), 60), missing()
    board.stop()
