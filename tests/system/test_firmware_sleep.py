"""The firmware on virtual boards that sleep between their measurements."""

import itertools
import json

import pytest

from tests.support.field import Field, told
from tools.package import application
from tools.package.application import Extra
from tools.vboard import Network

BOARDS = "ESP32_GENERIC", "RPI_PICO_W"
SLEEPS = {"interval": 3, "report_every": 2, "listen": 1}


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def device(sim):
    profile = sim.add_profile("psm", power_mode="PSM", activity_ms=1000)
    return sim.add_device("board", "board", profile)


@pytest.fixture(params=BOARDS)
def board(request, field, sim, device, tmp_path):
    conditions = {"network": Network({"tb": [sim.host]})}
    board = field.board(
        tmp_path / "board.img",
        sim,
        request.param,
        conditions,
        server="tb",
        wifi_ssid="air",
        wifi_password="secret12",
        **SLEEPS,
    )
    yield board
    board.stop()


def sleeps(board, count, timeout_s=60):
    """Wait until the board has gone to sleep so many times; return the lines that said so."""

    def said():
        lines = [line for line in board.lines if "asleep for" in line]
        return lines if len(lines) >= count else None

    return board.wait(said, timeout_s, f"{count} sleeps")


def test_it_reports_every_second_time_and_has_no_wifi_between(sim, device, board):
    board.start()
    sleeps(board, 5)
    first, *starts = "\n".join(board.lines).split("asleep f")[:6]
    assert "start number" in first and "start number" not in str(starts)
    assert ["wifi: joined" in start for start in starts] == [True, False, True, False, True]
    times = [ts for ts, name, _ in list(device.telemetry) if name == "heap"]
    assert all(2500 <= after - before <= 4500 for before, after in itertools.pairwise(times[-4:]))


def test_what_the_server_held_back_is_obeyed_once(sim, device, board):
    board.start()
    sleeps(board, 1)
    commands = [sim.persistent_rpc(device, "getInfo") for _ in range(3)]
    sim.set_shared(device, interval=4)
    sim.set_shared(device, other=1)
    board.wait(lambda: all(command.status == "SUCCESSFUL" for command in commands), 40)
    assert {command.response["restart"] for command in commands} == {"sleep"}
    board.wait_line("interval 4 s", 10)
    assert "asleep for 3 s" in sleeps(board, 4)[-1]


def test_an_outage_costs_no_record(sim, device, board):
    board.start()
    sleeps(board, 1)
    sim.stop_answering()
    sleeps(board, 4, 120)
    sim.answer_again()
    sleeps(board, 8, 120)
    assert sim.until(lambda: len(told(device, "heap")) >= 8, 60)
    times = [ts for ts, name, _ in list(device.telemetry) if name == "heap"]
    assert len(times) == len(set(times))


def test_it_updates_itself_and_sleeps_on(field, sim, device, board, request):
    board.start()
    sleeps(board, 1)
    sim.assign(
        device,
        field.package(
            "1.1", board=request.node.callspec.params["board"], extras=[Extra.low_power]
        ),
    )
    board.wait(lambda: told(device, "fw_state")[-1:] == ["UPDATED"], 60)
    count = len(sleeps(board, 1))
    sleeps(board, count + 3)
    assert str(told(device, "current_fw_version")[-1]) == "1.1"
    assert told(device, "fw_state").count("UPDATED") == 1
    assert not [line for line in board.lines if "MemoryError" in line]


@pytest.mark.parametrize("board", ["RPI_PICO_W"], indirect=True)
def test_updated_without_its_code_it_goes_back_and_sleeps_on(field, sim, device, board):
    board.start()
    sleeps(board, 1)
    sim.assign(device, field.package("2.0", board="RPI_PICO_W"))
    board.wait_line("fw FAILED: it failed here before: .*low power is not in this app", 90)
    since = len(sleeps(board, 1))
    sleeps(board, since + 4)
    assert told(device, "fw_state")[-1] == "FAILED"
    assert told(device, "fw_state").count("FAILED") == 1


def test_without_its_code_that_is_said(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim)
    settings = json.loads(board.read("/settings.json")) | SLEEPS
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "settings.json").write_text(json.dumps(settings))
    board.deploy(tmp_path / "other", compiled=False)
    board.start()
    board.wait_line("report_every: low power is not in this application; it stays awake", 20)
    board.wait(lambda: told(device, "current_fw_version"), 20)  # it is in touch
    board.stop()


@pytest.mark.parametrize(
    "settings, extras",
    [
        ({}, set()),
        ({"payload": " protobuf"}, {Extra.protobuf}),
        ({"report_every": "6", "payload": "json"}, {Extra.low_power}),
        ({"report_every": 0}, set()),
        ({"report_every": " "}, set()),
        ({"report_every": 1, "payload": "protobuf"}, {Extra.low_power, Extra.protobuf}),
    ],
)
def test_what_settings_want_of_an_application(settings, extras):
    assert application.wanted(settings) == extras
