"""Updates rolled out by the tool a person runs, to 20 boards: virtual ones with the whole firmware
and boards reduced to their updater.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.field import Field, told
from tests.support.processes import Program
from tests.support.updated import UpdatedBoard
from tools.package import releases
from tools.tbsim import Simulator
from tools.tbsim.web import WebServer, rest
from tools.unixport import board_name

VIRTUAL, REDUCED = 3, 17
READY_S, ROLLOUT_S = 120, 300


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def fleet(field, tmp_path, monkeypatch):
    """A server with 20 boards that are in touch."""
    monkeypatch.setenv("THINGSBOARD_USER", rest.USER)
    monkeypatch.setenv("THINGSBOARD_PASSWORD", rest.PASSWORD)
    with Simulator() as sim, WebServer(sim, [rest.mount]) as web:
        fleet = Fleet(field, sim, web.url, tmp_path)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.end()


class Fleet:
    """The boards, and what a person does with them. Virtual ones are the first by name."""

    def __init__(self, field: Field, sim: Simulator, url: str, folder: Path):
        self.field, self.sim, self.url, self.folder = field, sim, url, folder
        self.virtual, self.reduced = [], []
        for number in range(VIRTUAL):
            name = f"pump-{number:02}"
            sim.add_device(name, name)
            self.virtual.append(field.board(folder / f"{name}.img", sim))
        for number in range(VIRTUAL, VIRTUAL + REDUCED):
            name = f"pump-{number:02}"
            (folder / name).mkdir()
            self.reduced.append(UpdatedBoard(sim, folder / name, field.key, name, "fw"))
        sim.add_device("lamp", "lamp")  # not meant by any of it

    @property
    def devices(self):
        return [d for name, d in sorted(self.sim.store.devices.items()) if name != "lamp"]

    def start(self):
        for board in (*self.virtual, *self.reduced):
            board.start() if board in self.virtual else board.live()
        for device in self.devices:
            assert self.sim.until(lambda d=device: self.sim.observes(d), READY_S), device.name

    def end(self):
        for board in self.virtual:
            board.stop()
        for board in self.reduced:
            board.end()

    def package(self, version, sequence, fault="") -> Path:
        """Return the file of a package that both sorts of boards take."""
        sources = releases.copy(self.folder / "releases", version)
        releases.edit(sources / "app/__init__.py", "", fault)
        names = [board_name(), "UNIX"]
        package = releases.build(
            sources, self.field.key, version=version, sequence=sequence, boards=names
        )
        path = self.folder / f"{version}.bin"
        path.write_bytes(package.data)
        return path

    def publish(self, *words: str) -> tuple[int, str]:
        """Run the tool to its end; return its exit code, None if too late, and what it said."""
        program = Program("tools.publish", *words[:1], "--server", self.url, *words[1:])
        try:
            code = program.process.wait(ROLLOUT_S)
        except subprocess.TimeoutExpired:
            program.process.kill()
            code = None
        program._reading.join(5)
        return code, "".join(program.said)

    def states(self, device) -> list[str]:
        return told(device, "fw_state")


def test_a_good_package_reaches_all_in_stages(fleet):
    package = fleet.package("v1.1", 11)
    code, said = fleet.publish("roll-out", str(package), "--device", "pump-*")
    assert code == 0, said
    assert said.splitlines()[-1].startswith("20 of 20 updated, 0 failed"), said
    for device in fleet.devices:
        assert fleet.states(device)[-1] == "UPDATED"
        assert device.latest()["current_fw_version"] == "v1.1"
        assert device.packages["fw"].version == "v1.1"
    begun = sorted(
        min(p.ts for p in d.telemetry if (p.key, p.value) == ("fw_state", "QUEUED"))
        for d in fleet.devices
    )
    ended = sorted(
        max(p.ts for p in d.telemetry if (p.key, p.value) == ("fw_state", "UPDATED"))
        for d in fleet.devices
    )
    assert begun[1] >= ended[0] and begun[2] >= ended[1]  # 1 %, 10 % and 100 % of 20: 1, 2, 20
    assert "KiB/s" in said
    assert fleet.sim.device("lamp").packages == {}
    code, said = fleet.publish("fleet", "--device", "pump-00")
    row = [cell.strip() for cell in said.splitlines()[3].split("│")[1:-1]]
    name, version, heard, starts, restarts, problem, waiting, update = row
    assert (code, name, version, update) == (0, "pump-00", "v1.1", "UPDATED"), said
    assert (starts, restarts, problem) == ("2", "0 (an update)", "")
    assert heard.endswith(" s") and waiting.isdecimal()  # as it answered itself


def test_a_package_that_crashes_stops_at_the_first_board(fleet):
    package = fleet.package("v1.2", 12, releases.CRASHES % "v1.2")
    code, said = fleet.publish("roll-out", str(package), "--device", "pump-*")
    assert code == 1, said
    assert "stopped: 1 failed, and LIMIT is 1: pump-00: " in said and "v1.2 is bad" in said
    first, *others = fleet.devices
    assert fleet.states(first)[-1] == "FAILED"
    assert all(fleet.states(device) == [] for device in others)
    assert all(device.packages == {} for device in fleet.devices)
    assert "fw_version" not in first.shared_attributes
    assert fleet.sim.until(lambda: fleet.sim.observes(first, "rpc"), READY_S)
    assert fleet.sim.rpc(first, "getInfo")["version"] != "v1.2"  # it went back by itself


def test_a_package_of_a_foreign_key_stops_by_the_limit(fleet, tmp_path_factory):
    foreign = Field(tmp_path_factory.mktemp("foreign"))
    fleet.field = foreign
    package = fleet.package("v1.3", 13)
    words = ("--device", "pump-*", "--stages", "25,100", "--limit", "3")
    code, said = fleet.publish("roll-out", str(package), *words)
    assert code == 1, said
    failed = [device for device in fleet.devices if "FAILED" in fleet.states(device)]
    assert 3 <= len(failed) <= 5  # a stage of 5 boards, and at three it stops
    assert all(device.packages == {} for device in fleet.devices)
    assert sum(fleet.states(device) != [] for device in fleet.devices) == 5
