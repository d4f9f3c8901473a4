"""What a roll-out changes on the server: all of a stage, or nothing of it."""

from aiohttp import web

from tests.support.processes import Program
from tests.system.publish.scene import VERSION, assigned, devices, made
from tools.publish import __main__ as publish
from tools.publish import assignment, run


def test_a_connection_lost_in_an_upload_leaves_nothing(sim, server, faults, user, package, tool):
    faults.lost["POST /api/otaPackage/"] = 1
    words = ("roll-out", package, "--server", server.url, "--device", "*", "--minutes", "0.02")
    code, said = tool(*words)
    assert code == 1 and "uploading the package: the connection to" in said and "was lost" in said
    assert "nothing of it is left on the server" in said and "\n" not in said
    assert sim.store.packages == {} and assigned(sim) == []
    code, said = tool(*words)  # and it works at the second try
    assert len(sim.store.packages) == 1


def test_an_upload_that_cannot_be_removed_goes_on(sim, server, faults, user, package, tool):
    faults.lost |= {"POST /api/otaPackage/": 1, "DELETE ": 2}  # the client itself tries twice
    words = ("roll-out", package, "--server", server.url, "--device", "*")
    code, said = tool(*words)
    assert code == 1 and "the same command goes on from there" in said
    assert assigned(sim) == []
    tool(*words, "--minutes", "0.1")  # nobody updates; a busy PC assigns by then
    (kept,) = sim.store.packages.values()
    assert kept.data == package.read_bytes()


def test_a_server_that_fails_in_a_stage_gives_it_to_nobody(
    sim, server, faults, user, package, tool, monkeypatch
):
    monkeypatch.setattr(assignment, "AT_ONCE", 1)
    trouble = web.json_response({"message": "no space"}, status=500)
    device = sim.device("pump-06")
    faults.answers[f"GET /api/device/{device.id}"] = [trouble]
    words = ("--device", "*", "--stages", "100", "--server", server.url)
    code, said = tool("roll-out", package, *words)
    assert code == 1 and "no space; nobody of this stage has the package" in said
    assert assigned(sim) == []
    assert sim.device("pump-00").latest()["fw_state"] == "INITIATED"  # it had it for a moment


def test_a_server_that_stays_away_is_told_with_names(
    sim, server, faults, user, package, tool, monkeypatch
):
    monkeypatch.setattr(assignment, "AT_ONCE", 1)
    monkeypatch.setattr(assignment, "PAUSE_S", 0.02)
    monkeypatch.setattr(assignment, "PATIENCE_S", 0.1)
    faults.lost[f"GET /api/device/{sim.device('pump-02').id}"] = 100
    words = ("--device", "*", "--stages", "100", "--server", server.url)
    code, said = tool("roll-out", package, *words)
    assert code == 1 and "these may still have the package assigned: pump-02" in said
    assert "\n" not in said and assigned(sim) == []


def test_a_device_that_cannot_be_taken_back_is_told_and_the_others_are(
    sim, server, faults, answers, user, package, tool, monkeypatch
):
    path = f"GET /api/device/{sim.device('pump-01').id}"
    take_back = run.take_back

    async def refused(*args):
        faults.answers[path] = [web.json_response({"message": "not yours"}, status=403)] * 100
        await take_back(*args)

    monkeypatch.setattr(run, "take_back", refused)
    monkeypatch.setattr(assignment, "PAUSE_S", 0.02)
    for device in devices(sim):
        answers[device.name] = {"fw_state": "FAILED", "fw_error": "no room"}
    words = ("--device", "*", "--stages", "100", "--server", server.url)
    code, said = tool("roll-out", package, *words)
    assert code == 1 and "these may still have the package assigned: pump-01" in said, said
    assert assigned(sim) == ["pump-01"]


def test_ctrl_c_leaves_the_assignment_and_the_same_command_goes_on(
    sim, server, answers, user, package
):
    words = ("tools.publish", "roll-out", str(package), "--device", "pump-0*")
    program = Program(*words, "--server", server.url)
    assert sim.until(lambda: assigned(sim) == ["pump-00"], 20)
    assert sim.until(lambda: any("ASSIGNED" in line or "INIT" in line for line in program.said))
    assert program.ctrl_c() == 130
    said = "".join(program.said)
    assert "interrupted: 0 of 10 updated" in said and "goes on watching: pump-00" in said
    assert "Traceback" not in said and assigned(sim) == ["pump-00"]
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    sim.call(sim.device("pump-00").add_points, sim.store.clock_ms(), answers["pump-00"])
    program = Program(*words, "--server", server.url)
    assert program.process.wait(30) == 0
    assert len(assigned(sim)) == 10
    queued = [p for p in sim.device("pump-00").telemetry if p.value == "QUEUED"]
    assert len(queued) == 1  # it was not assigned a second time


def test_what_a_device_had_before_it_gets_back(sim, server, answers, user, key, tool, tmp_path):
    words = ("--device", "pump-00", "--server", server.url)
    old = made(key, tmp_path / "old.bin", version="v1.0")
    device = sim.device("pump-00")
    answers["pump-00"] = {"fw_state": "UPDATED"}
    assert tool("roll-out", old, *words)[0] == 0
    answers["pump-00"] = {"fw_state": "FAILED", "fw_error": "it crashed"}
    new = made(key, tmp_path / "new.bin", version="v1.1", sequence=3)
    code, said = tool("roll-out", new, *words)
    assert code == 1 and "pump-00: it crashed" in said
    assert device.packages["fw"].version == "v1.0"
    assert device.shared_attributes["fw_version"] == "v1.0"


def test_a_failure_of_the_past_does_not_count(sim, server, answers, user, package, tool):
    words = ("roll-out", package, "--device", "pump-00", "--server", server.url)
    answers["pump-00"] = {"fw_state": "FAILED", "fw_error": "it crashed"}
    assert tool(*words)[0] == 1
    answers["pump-00"] = {"fw_state": "UPDATED"}
    assert tool(*words)[0] == 0


def test_failures_below_the_limit_get_back_what_they_had(
    sim, server, answers, user, package, tool
):
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    answers["pump-05"] = {"fw_state": "FAILED", "fw_error": "\x1b[2J[red]bad"}
    words = ("--device", "*", "--limit", "2", "--server", server.url)
    code, said = tool("roll-out", package, *words)
    assert code == 1 and said.endswith("11 of 12 updated, 1 failed")
    assert "pump-05 FAILED ?[2J[red]bad" in said
    assert sorted(assigned(sim)) == sorted(set(answers) - {"pump-05"})


def test_a_profile_has_it_in_the_end(sim, server, answers, user, package, tool):
    profile = sim.store.profiles[0]
    profile.saved = {"profileData": {"alarms": [{"alarmType": "hot"}]}}
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    code, said = tool("roll-out", package, "--profile", "default", "--server", server.url)
    assert code == 0 and said.splitlines()[-1] == "12 of 12 updated, 0 failed"
    assert profile.packages["fw"].version == VERSION
    assert all(device.packages == {} for device in devices(sim))
    assert all(d.shared_attributes["fw_version"] == VERSION for d in devices(sim))
    assert profile.saved["profileData"]["alarms"] == [{"alarmType": "hot"}]
    told = [p for p in sim.device("pump-00").telemetry if p.value == "QUEUED"]
    assert len(told) == 1  # the profile told it nothing new


def test_a_server_away_while_boards_update_is_waited_for(
    sim, server, faults, answers, user, package, tool, monkeypatch
):
    carry_out = publish.carry_out

    async def carry_out_in_trouble(*args):
        told = {"message": "restarting"}
        trouble = [web.json_response(told, status=503) for _ in range(3)]
        faults.answers["POST /api/entitiesQuery/find"] = trouble
        return await carry_out(*args)

    monkeypatch.setattr(publish, "carry_out", carry_out_in_trouble)
    answers["pump-00"] = {"fw_state": "UPDATED"}
    code, said = tool("roll-out", package, "--device", "pump-00", "--server", server.url)
    assert code == 0, said
    for line in ("has trouble: restarting", "the server is there again"):
        assert said.count(line) == 1, said  # of three looks in a row


def test_somebody_else_who_saves_the_device_loses_nothing(
    sim, server, faults, answers, user, package, tool
):
    device = sim.device("pump-00")
    answers["pump-00"] = {"fw_state": "UPDATED"}
    conflict = web.json_response({"message": "changed by someone else"}, status=409)
    faults.answers["POST /api/device"] = [conflict]
    device.saved = {"label": "roof", "unknownField": {"a": 1}}
    code, said = tool("roll-out", package, "--device", "pump-00", "--server", server.url)
    assert code == 0, said
    assert device.saved["label"] == "roof" and device.saved["unknownField"] == {"a": 1}


def test_who_is_silent_keeps_the_package_when_the_command_is_given_again(
    sim, server, answers, user, package, tool
):
    words = ("roll-out", package, "--server", server.url, "--device", "pump-0[0-2]")
    answers |= {name: {"fw_state": "UPDATED"} for name in ("pump-00", "pump-01")}
    for _ in range(2):
        code, said = tool(*words, "--minutes", "0.03")
        assert code == publish.NOT_HEARD, said
        assert "goes on watching: pump-02" in said
        assert sorted(assigned(sim)) == ["pump-00", "pump-01", "pump-02"]
