"""What the simulator's page does over HTTP, and how it refuses what is wrong."""

import dataclasses
import json

import pytest

from tests.system.browsing import Asked, Stream, do
from tests.system.page.conftest import SECRET
from tools.package import container
from tools.tbsim import Switches
from tools.tbsim.web.page.moods import MOODS
from tools.tbsim.wire.link import Link


def test_a_shared_attribute_is_set_and_deleted(server, pump):
    for text, value in [("1.5", 1.5), ('{"a": 1}', {"a": 1}), ("fast", "fast"), ("true", True)]:
        assert (
            do(server, "attribute", {"device": pump.id, "key": "k", "value": text}).status == 200
        )
        assert pump.shared_attributes == {"k": value}
    assert do(server, "delete", {"device": pump.id, "key": "k"}).status == 200
    assert pump.shared_attributes == {}


@pytest.mark.parametrize(
    "action, body, words",
    [
        ("attribute", {"key": "k", "value": '{"a": }'}, "k: no JSON, Expecting value, column 7"),
        ("attribute", {"key": "k", "value": "null"}, "null is no value"),
        ("attribute", {"key": " ", "value": "1"}, "needs a name"),
        ("attribute", {"key": "k"}, "the request has no value"),
        ("attribute", {"key": "k", "value": "[" * 100_000}, "nested too deeply"),
        ("command", {"method": "m", "params": "{"}, "parameters: no JSON"),
        ("command", {"method": "", "params": ""}, "needs a method"),
        ("command", {"method": "m", "params": ""}, "pump does not listen for commands"),
        ("assign", {"package": "?"}, "this package is gone"),
        ("unassign", {"kind": "x"}, "the kind is x, not one of fw, sw"),
        ("remove", {"package": "?"}, "this package is gone"),
        ("switch", {"id": "link.loss_up", "value": 101}, "lost on the way up: expected a number"),
        ("switch", {"id": "link.loss_up", "value": "1"}, "from 0 to 100"),
        ("switch", {"id": "link.loss_up", "value": True}, "from 0 to 100"),
        ("switch", {"id": "link.max_bytes", "value": 1.5}, "a whole number"),
        ("switch", {"id": "switches.mute", "value": ["x"]}, "some of telemetry, attributes"),
        ("switch", {"id": "switches.silent_core", "value": 1}, "true or false"),
        ("switch", {"id": "layer.deaf", "value": True}, "no switch layer.deaf"),
        ("switch", {"id": "link.loss_up"}, "the request has no value"),
        ("server", {"action": "close"}, "the server cannot close"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_changes_nothing(server, sim, pump, action, body, words):
    before = dataclasses.asdict(sim.switches), sim.link.loss_up, sim.link.max_bytes
    error = do(server, action, {"device": pump.id} | body).error
    assert words in error and "\n" not in error
    assert before == (dataclasses.asdict(sim.switches), sim.link.loss_up, sim.link.max_bytes)
    assert pump.shared_attributes == {}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"1", b"\xff"])
def test_a_body_that_is_none_is_one_sentence(server, body):
    assert "the request" in Asked(server, "POST", "/sim/delete", body).error


def test_a_device_that_is_gone(server):
    assert "is gone" in do(server, "delete", {"device": "?", "key": "k"}).error


def test_every_switch_can_be_turned(server, sim):
    names = {field.name for field in dataclasses.fields(Switches)}
    assert names == {mood.name for mood in MOODS if mood.owner == "switches"}
    names = {field.name for field in dataclasses.fields(Link)} - {"nat", "counts"}
    assert names == {mood.name for mood in MOODS if mood.owner == "link"}
    values = {"bool": True, "chance": 25, "number": 7, "features": ["rpc"]}
    kept = {"bool": True, "chance": 0.25, "number": 7, "features": ("rpc",)}
    for mood in MOODS:
        assert do(server, "switch", {"id": mood.id, "value": values[mood.kind]}).status == 200
        assert getattr(getattr(sim, mood.owner), mood.name) == kept[mood.kind]
    assert do(server, "switch", {"id": "link.max_bytes", "value": None}).status == 200
    assert sim.link.max_bytes is None


# Packages


def built(key, version="1.1", content=b"pass"):
    names = {"kind": "app", "title": "thermo", "version": version, "boards": ["X"]}
    return container.build(key, [("app/main.py", content)], sequence=1, **names)


def upload(server, pump, data, kind="fw"):
    return Asked(server, "POST", f"/sim/package?device={pump.id}&kind={kind}&name=a/b.pkg", data)


def test_a_package_is_kept_assigned_told_and_removed(server, sim, pump, peer, key):
    asked = upload(server, pump, data := built(key))
    id = json.loads(asked.text)["id"]
    assert upload(server, pump, data).text == asked.text  # once more: the same
    with Stream(server, f"device={pump.id}") as stream:
        (listed,) = stream.part("device")["packages"]
        assert listed["title"] == "thermo" and listed["size"] == len(data)
        assert do(server, "assign", {"device": pump.id, "package": id}).status == 200
        assert pump.shared_attributes["fw_version"] == "1.1"
        (update,) = stream.part("device", lambda part: part["updates"])["updates"]
        assert update["state"] == "INITIATED" and update["fetched"] == 0
        assert "is assigned" in do(server, "remove", {"package": id}).error
        peer.ask(1, f"fw/{SECRET}", block2=(0, False, 4))
        told = stream.part("device", lambda part: part["updates"][0]["fetched"])
        assert told["updates"][0]["fetched"] == 256
    assert do(server, "unassign", {"device": pump.id, "kind": "fw"}).status == 200
    assert pump.shared_attributes == {} and pump.fetched == {}
    assert do(server, "remove", {"package": id}).status == 200
    assert sim.store.packages == {}


def test_a_package_that_will_not_do_is_one_sentence(server, sim, pump, key, monkeypatch):
    assert upload(server, pump, b"MZ").error.startswith("b.pkg: this is no update package")
    assert "not one of fw, sw" in upload(server, pump, built(key), "x").error
    assert upload(server, pump, built(key)).status == 200
    assert "give it another version" in upload(server, pump, built(key, content=b"1")).error
    assert "of another kind" in upload(server, pump, built(key), "sw").error
    monkeypatch.setattr("tools.tbsim.web.page.actions.PACKAGES", 1)
    assert "1 packages are there" in upload(server, pump, built(key, "1.2")).error
    assert len(sim.store.packages) == 1


def test_a_package_of_another_profile_is_not_assigned(server, sim, pump, key):
    other = sim.add_device("valve", profile=sim.add_profile("valves"))
    id = json.loads(upload(server, pump, built(key)).text)["id"]
    assert "another profile" in do(server, "assign", {"device": other.id, "package": id}).error
    assert other.shared_attributes == {}


def test_an_upload_without_end_is_refused(server, sim, pump):
    server.app._client_max_size = 1000
    assert "too large" in upload(server, pump, bytes(2000)).error
    assert sim.store.packages == {}
