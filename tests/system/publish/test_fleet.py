"""The fleet at a glance."""

import asyncio
import time

import pytest

from tools.publish import fleet
from tools.publish.subjects import Target


def test_the_fleet_shows_what_is_wrong(sim, server, user, tool):
    device = sim.device("pump-03")
    about = {"version": "0.9", "starts": 4, "restart": "watchdog", "restarts": 2, "faults": 1}
    device.client_attributes |= about | {"last_fault": "sensors: \x1b]0;no"}
    sim.call(device.add_points, 1, {"fw_state": "FAILED", "fw_error": "no room"})
    code, said = tool("fleet", "--server", server.url, "--device", "pump-03,pump-04")
    (line,) = [line for line in said.splitlines() if "pump-03" in line]
    for word in ("0.9", "never", "4", "2 (watchdog)", "sensors: ?]0;no", "FAILED: no room"):
        assert word in line, word
    assert said.endswith("2 devices, 2 silent, 1 with a problem")


def test_devices_that_do_not_answer_are_not_waited_for(sim, server, user, tool, monkeypatch):
    monkeypatch.setattr(fleet, "ASK_S", 1)
    monkeypatch.setattr(fleet, "ASKED_AT_ONCE", 2)
    asked = []

    async def info(there, id):
        asked.append(id)
        await asyncio.sleep(5)

    monkeypatch.setattr(fleet, "info", info)
    for number in range(12):
        sim.device(f"pump-{number:02}").heard_ms = sim.store.clock_ms() - 1000 * number
    begun = time.monotonic()
    code, said = tool("fleet", "--server", server.url)
    assert time.monotonic() - begun < 4  # each of them would take 5 s
    assert code == 0 and said.endswith("0 with a problem; in 1 s 12 did not say how they are"), (
        said
    )
    assert asked == [sim.device(name).id for name in ("pump-00", "pump-01")]


@pytest.mark.parametrize(
    "values, version",
    [
        ({"version": "0.9", "current_fw_version": ""}, "0.9"),
        ({"version": "0.9", "current_fw_version": "1.1"}, "1.1"),
        ({"version": "0.9", "current_fw_version": "1.26", "current_sw_version": "1.1"}, "1.1"),
        ({}, ""),
    ],
)
def test_the_version_is_that_of_the_package(values, version):
    target = Target("id", "pump", "", "")
    assert fleet.member(target, values, {}, 0).version == version
    told = fleet.member(target, {}, {"version": "0.8"}, 0)
    assert told.version == "0.8"


@pytest.mark.parametrize(
    "silent_s, told, report_every, problem",
    [
        (30, None, None, "does not answer commands"),
        (30, None, "0", "does not answer commands"),
        (30, None, "12", ""),
        (300, None, None, ""),
        (300, {"problem": "the server is silent"}, "12", "the server is silent"),
        (30, {"error": "no such method"}, None, ""),
    ],
)
def test_silence_of_who_may_be_asleep_is_no_problem(silent_s, told, report_every, problem):
    now_ms = 1_790_000_000_000
    values = {"active": "true", "lastActivityTime": str(now_ms - 1000 * silent_s)}
    if report_every:
        values["report_every"] = report_every
    target = Target("id", "pump", "", "")
    assert fleet.member(target, values, told, now_ms).problem == problem
