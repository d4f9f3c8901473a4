"""What may happen in the middle of a roll-out: to the server, to a device, to our own token."""

import asyncio
import signal

import pytest
from aiohttp import web

from tests.support.processes import Program
from tests.system.publish.scene import VERSION, assigned, devices
from tools.publish import __main__ as publish
from tools.publish import assignment, run
from tools.publish import server as there
from tools.publish.credentials import Credentials
from tools.tbsim.web import WebServer, rest

ALL = ("--device", "*", "--stages", "100")


def page():
    return web.Response(text="<html>maintenance", content_type="text/html")


def another():
    return web.json_response({"status": "maintenance"})


def nowhere():
    return web.Response(text="default backend - 404", status=404)


def later(monkeypatch, module, name, mishap):
    """Let a mishap happen before a function of a module is called the next time."""
    function = getattr(module, name)

    async def called(*args):
        mishap()
        return await function(*args)

    monkeypatch.setattr(module, name, called)


@pytest.mark.parametrize("answer", [page, web.Response, another])
def test_an_answer_that_is_none_in_a_stage_leaves_it_to_nobody(
    sim, server, faults, user, package, tool, monkeypatch, answer
):
    monkeypatch.setattr(assignment, "AT_ONCE", 1)
    faults.answers[f"GET /api/device/{sim.device('pump-06').id}"] = [answer()]
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and said.endswith("nobody of this stage has the package"), said
    assert "answers, but not as ThingsBoard does" in said and assigned(sim) == []


@pytest.mark.parametrize("answer", [page, another, nowhere])
def test_a_page_of_something_else_while_boards_update_is_waited_for(
    sim, server, faults, answers, user, package, tool, monkeypatch, answer
):
    def mishap():
        faults.answers["POST /api/entitiesQuery/find"] = [answer()]

    later(monkeypatch, publish, "carry_out", mishap)
    answers["pump-00"] = {"fw_state": "UPDATED"}
    code, said = tool("roll-out", package, "--device", "pump-00", "--server", server.url)
    assert code == 0 and "not as ThingsBoard does" in said, said


@pytest.mark.parametrize("answer", [page, another, nowhere])
def test_a_page_of_something_else_hinders_no_taking_back(
    sim, server, faults, answers, user, package, tool, monkeypatch, answer
):
    def mishap():
        for request in ("GET /api/device/", "POST /api/device"):
            faults.answers[request] = [answer()]

    later(monkeypatch, run, "take_back", mishap)
    monkeypatch.setattr(assignment, "PAUSE_S", 0.02)
    for device in devices(sim):
        answers[device.name] = {"fw_state": "FAILED", "fw_error": "no room"}
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and "stopped: 12 failed" in said, said
    assert assigned(sim) == []


def test_a_stage_that_fails_tells_who_of_earlier_ones_has_the_package(
    sim, server, faults, answers, user, package, tool
):
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    answers["pump-00"] = {"fw_state": "FAILED", "fw_error": "no room"}
    trouble = web.json_response({"message": "no space"}, status=500)
    faults.answers[f"GET /api/device/{sim.device('pump-06').id}"] = [trouble]
    words = ("--device", "*", "--stages", "10,100", "--limit", "2", "--server", server.url)
    code, said = tool("roll-out", package, *words)
    assert code == 1 and "nobody of this stage has the package; these keep" in said, said
    assert said.endswith("watching: pump-00") and "pump-00" in assigned(sim)


def test_who_uploads_the_same_at_the_same_time_removes_nothing(
    sim, server, answers, user, package, tool, monkeypatch
):
    upload = there.Server.upload

    async def twice(*args, **query):
        await upload(*args, **query)  # somebody else's
        return await upload(*args, **query)

    monkeypatch.setattr(there.Server, "upload", twice)
    answers["pump-00"] = {"fw_state": "UPDATED"}
    code, said = tool("roll-out", package, "--device", "pump-00", "--server", server.url)
    assert code == 0 and len(sim.store.packages) == 1, said


def test_an_empty_answer_to_an_upload_leaves_nothing(sim, server, faults, user, package, tool):
    faults.answers["POST /api/otaPackage/"] = [web.Response()]
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and said.endswith("nothing of it is left on the server"), said
    assert sim.store.packages == {}


def test_the_last_that_is_shown_is_what_stopped_it(sim, server, answers, user, package, tool):
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    answers["pump-02"] = {"fw_state": "FAILED", "fw_error": "no room"}
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and "pump-02 FAILED no room" in said.splitlines(), said
    assert "pump-11 UPDATED" in said.splitlines()


def test_one_device_in_trouble_hinders_no_taking_back_of_others(
    sim, server, faults, answers, user, package, tool, monkeypatch
):
    def mishap():
        faults.lost[f"GET /api/device/{sim.device('pump-00').id}"] = 100

    later(monkeypatch, run, "take_back", mishap)
    for name, value in {"AT_ONCE": 1, "PAUSE_S": 0.02, "PATIENCE_S": 0.06}.items():
        monkeypatch.setattr(assignment, name, value)
    for device in devices(sim):
        answers[device.name] = {"fw_state": "FAILED", "fw_error": "no room"}
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and said.endswith("may still have the package assigned: pump-00"), said
    assert assigned(sim) == ["pump-00"]


def test_a_server_that_refuses_to_be_watched_is_told_with_who_has_the_package(
    sim, server, faults, user, package, tool, monkeypatch
):
    def mishap():
        refusal = web.json_response({"message": "not yours"}, status=403)
        faults.answers["POST /api/entitiesQuery/find"] = [refusal]

    later(monkeypatch, publish, "carry_out", mishap)
    code, said = tool("roll-out", package, "--device", "pump-00", "--server", server.url)
    assert code == 1 and "says no: not yours; 0 of 1 updated" in said
    assert said.endswith("the same command goes on watching: pump-00")


def test_the_history_of_a_device_that_is_gone_ends_nothing(
    sim, server, faults, answers, user, package, tool
):
    gone = web.json_response({"message": "Device is not found"}, status=404)
    path = f"DEVICE/{sim.device('pump-03').id}/values/timeseries"
    faults.answers[path] = [gone]
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 0 and said.endswith("12 of 12 updated, 0 failed"), said


def test_a_device_that_is_deleted_before_its_turn_leaves_the_stage_to_nobody(
    sim, server, user, package, tool, monkeypatch
):
    later(monkeypatch, publish, "carry_out", lambda: sim.store.devices.pop("pump-03"))
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 1 and said.endswith("nobody of this stage has the package"), said
    assert assigned(sim) == []


def test_a_token_that_expires_with_requests_under_way_is_renewed_once(
    sim, server, faults, answers, user, package, tool
):
    for device in devices(sim):
        answers[device.name] = {"fw_state": "UPDATED"}
    expired = {"status": 401, "errorCode": 11}
    faults.answers["GET /api/device/"] = [
        web.json_response(expired, status=401) for _ in range(assignment.AT_ONCE)
    ]
    code, said = tool("roll-out", package, *ALL, "--server", server.url)
    assert code == 0, said
    assert all(device.packages["fw"].version == VERSION for device in devices(sim))
    assert faults.seen.count("POST /api/auth/login") == 2


def test_no_server_makes_us_wait_for_hours(server, faults, user, tool, monkeypatch):
    monkeypatch.setattr(there, "BUSY_LONGEST_S", 0.02)
    busy = web.json_response({"message": "slow"}, status=429, headers={"Retry-After": "7200"})
    faults.answers["/api/tenant/deviceInfos"] = [busy]
    assert tool("fleet", "--no-ask", "--server", server.url)[0] == 0


def interrupted(sim, package, part, count, *words):
    """Run the tool, and press Ctrl-C at its request number `count` with this part in its line;
    return what the tool said.
    """
    programs = []
    seen = []

    def mount(server):
        @web.middleware
        async def pressing(request, handler):
            if part in f"{request.method} {request.path}":
                seen.append(request)
                if len(seen) == count:
                    programs[0].process.send_signal(signal.SIGINT)
                    raise web.HTTPServiceUnavailable()  # nothing is carried out
            return await handler(request)

        server.app.middlewares.append(pressing)

    with WebServer(sim, [rest.mount, mount]) as server:
        words = ("tools.publish", "roll-out", str(package), *words, "--server", server.url)
        program = Program(*words)
        programs.append(program)
        assert program.process.wait(30) == 130
        assert sim.until(lambda: any("interrupted" in line for line in program.said))
    return "".join(program.said)


def test_ctrl_c_in_an_upload_tells_that_nothing_is_assigned(sim, user, package):
    said = interrupted(sim, package, "POST /api/otaPackage/", 1, *ALL)
    assert said == "interrupted: nothing is assigned, and the same command goes on from there\n"


def test_ctrl_c_while_a_failure_is_taken_back_tells_who_has_the_package(
    sim, answers, user, package
):
    answers["pump-00"] = {"fw_state": "FAILED", "fw_error": "no room"}
    path = f"GET /api/device/{sim.device('pump-00').id}"
    said = interrupted(sim, package, path, 2, "--device", "pump-00")
    assert "interrupted: 0 of 1 updated, 1 failed; these keep" in said
    assert said.endswith("pump-00\n") and assigned(sim) == ["pump-00"]


# Names and words that devices may have


def test_a_name_with_the_signs_of_a_pattern_is_a_name(sim, server, user, package, tool):
    sim.add_device("pump[1]")
    words = ("--device", "pump[1]", "--minutes", "0.02", "--server", server.url)
    assert tool("roll-out", package, *words)[0] == 3
    assert assigned(sim) == ["pump[1]"]


def test_what_a_device_says_moves_no_cursor(sim, server, answers, user, package, tool):
    sim.add_device("a\x1b[2Jb")
    words = ("--server", server.url, "--device")
    code, said = tool("roll-out", package, *words, "lamp")
    assert "there are: a?[2Jb" in said
    answers["pump-00"] = {"fw_state": "FAILED", "fw_error": "\x1b[2J\nbad"}
    code, said = tool("roll-out", package, *words, "pump-00")
    assert "pump-00: ?[2J?bad; the others" in said.splitlines()[-1]


def test_pages_are_counted_whatever_their_size(monkeypatch):
    server = there.Server("https://demo.example", Credentials())
    asked = []

    async def get(path, doing, pageSize, page):
        asked.append(page)
        assert len(asked) < 4
        return {"data": [page], "hasNext": page < 2}

    monkeypatch.setattr(server, "get", get)
    reading = server.pages("/api/devices", "looking")
    assert asyncio.run(reading) == [0, 1, 2]
