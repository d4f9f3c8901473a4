"""The simulator's page over HTTP: who may ask, and what is told."""

import json

import pytest
from aiocoap.numbers.types import NON

from tests.system.browsing import Asked, Stream, do
from tests.system.page.conftest import SECRET
from tools.tbsim.web.page.stream import STREAMS

# Who may ask


def test_the_page_is_one_file_that_nothing_else_can_join(server):
    asked = Asked(server, "GET", "/")
    policy = asked.headers["Content-Security-Policy"]
    assert asked.status == 200 and "<title>ThingsBoard simulator</title>" in asked.text
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "http://" not in asked.text.replace("http://www.w3.org/", "")
    assert "https://" not in asked.text and "innerHTML" not in asked.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8080", "[::1]:8080", "192.0.2.7"])
def test_an_address_may_name_the_server(server, host):
    assert Asked(server, "GET", "/", Host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/", "/sim/events"])
def test_another_name_may_not(server, host, path):
    asked = Asked(server, "GET", path, Host=host)
    assert asked.status == 421 and "address or as localhost" in asked.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_page_may_not_do_anything(server, sim, headers):
    assert do(server, "server", {"action": "outage"}, **headers).status == 403
    assert Asked(server, "GET", "/sim/events", **headers).status == 403
    assert not sim.layer.deaf


def test_the_page_and_a_program_may(server, sim):
    own = {"Origin": server.url, "Sec_Fetch_Site": "same-origin"}
    assert do(server, "server", {"action": "outage"}, **own).status == 200
    assert sim.layer.deaf
    assert do(server, "server", {"action": "back"}).status == 200
    assert not sim.layer.deaf


def test_so_many_pages_and_no_more_and_one_that_closes_makes_room(server, sim):
    streams = [Stream(server) for _ in range(STREAMS)]
    assert Asked(server, "GET", "/sim/events").status == 503
    for stream in streams:
        stream.__exit__()

    def is_there():
        with Stream(server) as stream:
            return stream.status == 200

    assert sim.until(is_there, 5, 0.1)


# What is told


def test_devices_and_what_they_report(server, sim, pump, peer):
    with Stream(server, f"device={pump.id}") as stream:
        told = stream.part("devices")
        assert [device["name"] for device in told["shown"]] == ["pump"]
        assert told["shown"][0]["heard_ms"] == 0
        peer.code(f"api/v1/{SECRET}/telemetry", {"level": 1.5, "mode": "fast"})
        told = stream.part("device", lambda part: part["values"]["rows"])
        assert told["values"]["rows"] == [["mode", '"fast"', False]]
        assert told["heard_ms"] > 1_700_000_000_000
        points = stream.part("points")
        assert [point[1:] for point in points["points"]] == [["level", 1.5]]
        assert points["first"] and points["device"] == pump.id
        peer.code(f"api/v1/{SECRET}/telemetry", {"level": 2})
        points = stream.part("points")
        assert [point[1:] for point in points["points"]] == [["level", 2]] and not points["first"]


def test_devices_are_found_by_name(server, sim):
    sim.add_device("Valve")
    with Stream(server, "find=VAL") as stream:
        assert [device["name"] for device in stream.part("devices")["shown"]] == ["Valve"]


def test_a_number_of_64_bits_stays_whole(server, sim, pump):
    sim.set_shared(pump, serial=9007199254740993)
    with Stream(server, f"device={pump.id}") as stream:
        assert stream.part("device")["shared"]["rows"] == [["serial", "9007199254740993", False]]


def test_what_is_shown_is_bounded_and_says_so(server, sim, pump, monkeypatch):
    view = "tools.tbsim.web.page.view."
    monkeypatch.setattr(view + "DEVICES", 2)
    monkeypatch.setattr(view + "ATTRIBUTES", 3)
    monkeypatch.setattr(view + "VALUE", 10)
    monkeypatch.setattr(view + "CHARTS", 2)
    monkeypatch.setattr(view + "HISTORY", 4)
    for number in range(4):
        sim.add_device(f"valve-{number}")
    sim.set_shared(pump, **{f"key{n}": "long enough" for n in range(5)})
    for number in range(9):
        sim.call(pump.add_points, number, {"a": number, "b": number, "c": number})
    with Stream(server, f"device={pump.id}") as stream:
        devices = stream.part("devices")
        assert len(devices["shown"]) == 2 and devices["left_out"] == 3
        shared = stream.part("device")["shared"]
        assert shared["rows"][0] == ["key0", '"long enou', True] and shared["left_out"] == 2
        told = stream.part("points")
        points = told["points"]
    assert told["left_out"] == 1
    assert {key for _, key, _ in points} == {"a", "b"}
    assert [value for _, key, value in points if key == "a"] == [5, 6, 7, 8]


def test_the_chosen_device_is_listed_in_any_case(server, sim, monkeypatch):
    monkeypatch.setattr("tools.tbsim.web.page.view.DEVICES", 1)
    valve = sim.add_device("valve")
    with Stream(server, f"device={valve.id}") as stream:
        shown = stream.part("devices")["shown"]
    assert [device["name"] for device in shown] == ["pump", "valve"]


def test_datagrams_are_decoded_with_their_device_and_without_its_token(server, sim, peer):
    peer.code(f"api/v1/{SECRET}/telemetry", {"a": 1}, kind=NON)
    assert sim.until(lambda: len(sim.events) == 2)
    with Stream(server) as stream:
        rows = stream.part("datagrams")["rows"]
        request, answer = rows[0], rows[1]
        assert request["up"] and request["code"] == "POST" and request["device"] == "pump"
        assert request["path"] == "/api/v1/…/telemetry" and json.loads(request["payload"])
        assert not answer["up"] and answer["code"].startswith("2.01")
        assert answer["device"] == "pump" and answer["answers"] == "/api/v1/…/telemetry"
        assert SECRET not in json.dumps(rows)
        last = rows[-1]["n"]
        peer.wire.up(b"\x4f\x01\x00\x01")
        (row,) = stream.part("datagrams")["rows"]
        assert row["type"] == "malformed" and row["n"] > last


def test_a_browser_that_comes_again_gets_only_what_it_has_not(server, sim, peer):
    peer.code(f"api/v1/{SECRET}/telemetry", {"a": 1}, kind=NON)
    assert sim.until(lambda: len(sim.events) == 2)
    with Stream(server) as stream:
        run = stream.part("hello")["run"]
        rows = stream.part("datagrams")["rows"]
    with Stream(server, f"after={rows[0]['n']}&run={run}") as stream:
        assert [row["n"] for row in stream.part("datagrams")["rows"]] == [r["n"] for r in rows[1:]]
    with Stream(server, f"after={rows[0]['n']}&run=another") as stream:
        assert stream.part("datagrams")["rows"] == rows


def test_datagrams_that_come_too_fast_are_counted(server, sim, peer, monkeypatch):
    monkeypatch.setattr("tools.tbsim.web.page.datagrams.AT_ONCE", 3)
    for number in range(5):
        peer.wire.up(bytes([0x4F, 1, 0, number]))
    assert sim.until(lambda: len(sim.events) == 5)
    with Stream(server) as stream:
        told = stream.part("datagrams")
    assert len(told["rows"]) == 3 and told["left_out"] == 2


def test_a_device_that_forgets_its_oldest_points_keeps_the_newest_of_each_key(server, sim):
    sim.store.points_kept = 3
    valve = sim.add_device("valve")
    sim.call(valve.add_points, 0, {"version": "1"})
    with Stream(server, f"device={valve.id}") as stream:
        for number in range(1, 20):
            sim.call(valve.add_points, number, {"a": number})
        seen = []
        while 19 not in seen:
            seen += [value for _, _, value in stream.part("points")["points"]]
    assert len(valve.telemetry) <= 7
    assert valve.latest() == {"version": "1", "a": 19}
    assert seen == sorted(set(seen))  # none twice
