"""The console of a board that comes and goes, at pseudo-terminals; which port is the board's."""

import json
import os
import subprocess
import sys
import threading
import time
import tty
from types import SimpleNamespace

import pytest

from tests.support.processes import Program
from tools.board import monitor, ports
from tools.board.link import LinkError
from tools.unixport import ROOT


class Cable:
    """A port with one name, whose board is plugged in and pulled."""

    def __init__(self, path):
        self.path = path
        self.outer = None

    def plug(self):
        self.outer, self.inner = os.openpty()
        tty.setraw(self.inner)
        self.path.symlink_to(os.ttyname(self.inner))

    def pull(self):
        self.path.unlink()
        os.close(self.inner)
        os.close(self.outer)

    def says(self, text):
        os.write(self.outer, text.encode())


@pytest.fixture
def cable(tmp_path):
    cable = Cable(tmp_path / "ttyBOARD")
    cable.plug()
    yield cable
    cable.pull()


def wait(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_reset_that_takes_the_port_away_is_waited_for(cable):
    seen = []
    working = threading.Thread(
        target=monitor.until, args=(str(cable.path), monitor.ACCEPTED, 20, seen.append)
    )
    working.start()
    wait(lambda: cable.says("waits\r\n") or seen)
    cable.pull()
    time.sleep(0.3)
    cable.plug()
    wait(lambda: cable.says("     3 start number 4\r\n") or not working.is_alive())
    assert seen[0] == "waits" and seen[-1] == "     3 start number 4"


def test_a_board_that_does_not_come_back_is_told(cable):
    cable.pull()
    with pytest.raises(LinkError, match="has not come back to .*ttyBOARD: is the cable in"):
        monitor.until(str(cable.path), monitor.ACCEPTED, 0.6, print)
    cable.plug()


def test_a_server_that_does_not_answer_is_told_with_the_last_line(cable):
    seen = []
    writing = threading.Timer(0.4, cable.says, ["wifi: no network\r\n"])
    writing.start()
    with pytest.raises(LinkError, match="last line is 'wifi: no network': see docs"):
        monitor.until(str(cable.path), monitor.ACCEPTED, 1.5, seen.append)
    assert seen == ["wifi: no network"]


def test_the_monitor_goes_on_after_a_cable_was_pulled(cable):
    program = Program("tools.board", "monitor", "--port", str(cable.path))
    said = program.said
    wait(lambda: said and (cable.says("one\n") or "one\n" in said))
    cable.pull()
    wait(lambda: "(the board is gone; waiting)\n" in said)
    cable.plug()
    wait(lambda: cable.says("two\n") or "two\n" in said)
    assert "(the board is back)\n" in said
    assert program.ctrl_c() == 0


def at(*ports_):
    return [
        SimpleNamespace(device=device, vid=vid, description=device[5:]) for device, vid in ports_
    ]


@pytest.mark.parametrize(
    "there, found",
    [
        (at(("/dev/ttyACM0", 0x2E8A)), "/dev/ttyACM0"),
        (at(("/dev/ttyS0", None), ("/dev/ttyUSB3", 0x10C4)), "/dev/ttyUSB3"),
        (at(("/dev/ttyS0", None)), "no board at any port: plug one in"),
        (
            at(("/dev/ttyACM0", 0x2E8A), ("/dev/ttyUSB0", 0x1A86)),
            "more than one board: say which by PORT=; there are /dev/ttyACM0 (ttyACM0), "
            "/dev/ttyUSB0 (ttyUSB0)",
        ),
    ],
)
def test_the_port_with_a_board_is_found(monkeypatch, there, found):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: there)
    try:
        assert ports.find() == found
    except ValueError as error:
        assert str(error).startswith(found)


def test_settings_in_a_file_that_is_damaged_stay_as_they_are(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"server": "a.exam')
    command = [sys.executable, "-m", "tools.board", "settings", "--board", "UNIX", "--out", path]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, input="")
    assert run.returncode == 1
    assert run.stderr == f"board: {path}: no JSON object; correct it, or name another file\n"
    with pytest.raises(ValueError):
        json.loads(path.read_text())
