"""What the simulator sends by itself: notifications, commands, and what it loses of them."""

import json
import re
import time

import pytest
from aiocoap import Message
from aiocoap.numbers.types import ACK, CON, NON, RST

from tests.system.wire import Peer
from tools.tbsim import RPCError, Simulator
from tools.vboard import World


def subscribe(peer, feature="attributes", kind=CON, token=b"\x07"):
    first = peer.ask(1, f"api/v1/TOK/{feature}", kind=kind, token=token, observe=0)
    assert first.opt.observe == 0
    return first


def test_of_a_burst_the_first_and_the_last_arrive(quick, peer):
    subscribe(peer)
    device = quick.device("golden")
    for n in range(5):
        quick.set_shared(device, n=n)
    heard = [peer.read(), peer.read()]
    assert [json.loads(m.payload) for m in heard] == [{"n": 0}, {"n": 4}]
    assert [m.opt.observe for m in heard] == [1, 5]
    assert peer.wire.silent(0.3)


def test_bursts_can_be_whole(quick, peer):
    quick.switches.replace_burst = False
    subscribe(peer)
    for n in range(3):
        quick.set_shared(quick.device("golden"), n=n)
    assert [peer.read().opt.observe for _ in range(3)] == [1, 2, 3]


def test_non_registrations_get_every_notification_once(quick, peer):
    subscribe(peer, kind=NON)
    for n in range(3):
        quick.set_shared(quick.device("golden"), n=n)
    heard = [peer.read() for _ in range(3)]
    assert [m.mtype for m in heard] == [NON] * 3
    assert [m.opt.observe for m in heard] == [1, 2, 3]


def test_a_repetition_carries_the_newest_content(quick, peer):
    subscribe(peer)
    quick.set_shared(quick.device("golden"), n=1)
    first = peer.read(acknowledge=False)
    quick.set_shared(quick.device("golden"), n=2)
    second = peer.read()
    assert (first.opt.observe, second.opt.observe) == (1, 2)
    assert json.loads(second.payload) == {"n": 2} and second.mid != first.mid


def test_four_lost_repetitions_end_all_observations(peer, quick):
    subscribe(peer)
    subscribe(peer, "rpc", token=b"\x08")
    device = quick.device("golden")
    quick.set_shared(device, n=1)
    assert quick.until(lambda: not quick.observes(device), 15)
    assert not quick.observes(device, "rpc")


def test_a_reset_removes_one_observation(quick, peer):
    subscribe(peer)
    subscribe(peer, "rpc", token=b"\x08")
    device = quick.device("golden")
    quick.set_shared(device, n=1)
    notification = peer.read(acknowledge=False)
    peer.wire.up(Message(code=0, _mtype=RST, _mid=notification.mid).encode())
    assert quick.until(lambda: not quick.observes(device))
    assert quick.observes(device, "rpc")


def send_registration(peer, mid):
    request = Message(code=1, _mtype=CON, _mid=mid, _token=b"\x09")
    request.opt.uri_path, request.opt.observe = ["api", "v1", "TOK", "attributes"], 0
    peer.wire.up(request.encode())


def test_of_two_registrations_with_one_token_the_later_is_answered(quick, peer):
    quick.timing.poll = 0.01
    send_registration(peer, 1)
    send_registration(peer, 2)
    answer, empty = peer.read(), peer.read()
    assert (answer.mid, answer.code.dotted, answer.opt.observe) == (2, "2.05", 0)
    assert (empty.mid, empty.code.dotted) == (1, "0.00")
    quick.set_shared(quick.device("golden"), a=1)
    assert peer.read().opt.observe == 1


def test_a_token_is_dead_once_it_was_refused(quick, peer):
    quick.switches.rate_limited = 1
    for token, code in ((b"\x07", "5.00"), (b"\x07", "0.00"), (b"\x08", "2.05")):
        answer = peer.ask(1, "api/v1/TOK/attributes", token=token, observe=0)
        assert answer.code.dotted == code


def test_a_registration_with_the_same_token_may_end_the_first(quick, peer):
    quick.switches.told_again = 1.0
    subscribe(peer)
    end = peer.ask(1, "api/v1/TOK/attributes", token=b"\x07", observe=0)
    assert end.code.dotted == "2.02" and end.opt.observe is None
    assert peer.read().opt.observe == 0


def test_a_change_overtakes_the_answer_to_a_registration(quick, peer):
    device = quick.device("golden")
    quick.set_shared(device, old=1)
    quick.timing.poll, quick.timing.piggyback = 0.2, 1.0
    send_registration(peer, 1)
    assert quick.until(lambda: quick.observes(device))  # the state comes with the next poll
    quick.set_shared(device, new=2)
    heard = [peer.read(), peer.read()]
    assert peer.wire.silent(0.3)  # no ACK for the registration, ever
    assert [(m.mtype, m.opt.observe) for m in heard] == [(CON, 0), (CON, 1)]
    assert json.loads(heard[0].payload) == {"new": 2}
    assert json.loads(heard[1].payload) == {"new": 2, "old": 1}


def test_observe_above_1_is_no_registration(quick, peer):
    answer = peer.ask(1, "api/v1/TOK/attributes", observe=2)
    assert answer.mtype is ACK and answer.code.dotted == "2.05" and answer.opt.observe is None
    assert not quick.observes(quick.device("golden"))


def test_deletions_are_notified(quick, peer):
    subscribe(peer)
    quick.delete_shared(quick.device("golden"), "a", "b")
    assert json.loads(peer.read().payload) == {"deleted": ["a", "b"]}


def test_commands_two_way_and_time_out(quick, peer):
    device = quick.device("golden")
    with pytest.raises(RPCError, match="no active"):
        quick.rpc(device, "m")
    subscribe(peer, "rpc")
    with pytest.raises(RPCError, match="timeout"):
        quick.rpc(device, "m", timeout=0.3)
    assert json.loads(peer.read().payload) == {"id": 1, "method": "m", "params": None}
    while peer.read():  # its repetitions, until ours was heard
        pass
    assert peer.code("api/v1/TOK/rpc/1", {"late": 1}) == "2.01"
    for body in (b"5", b"[1]", b'"x"', b"", b"{"):
        assert peer.code("api/v1/TOK/rpc/9", body) == "5.00"


def test_persistent_commands(quick, peer):
    device = quick.device("golden")
    waiting = quick.persistent_rpc(device, "m", {"a": 1})
    assert waiting.status == "QUEUED"
    subscribe(peer, "rpc")
    command = json.loads(peer.read().payload)
    assert quick.until(lambda: waiting.status == "DELIVERED")
    peer.post(f"api/v1/TOK/rpc/{command['id']}", {"done": True})
    assert waiting.history == ["QUEUED", "SENT", "DELIVERED", "SUCCESSFUL"]
    lost = quick.persistent_rpc(device, "m")
    assert quick.until(lambda: lost.status == "TIMEOUT", 5)
    assert quick.persistent_rpc(device, "m", expires=0.1).history[0] == "QUEUED"


def test_power_saving(quick):
    profile = quick.add_profile("psm", power_mode="PSM", activity_ms=200)
    device = quick.add_device("sleepy", "SLEEPY", profile)
    peer = Peer(quick.port)
    peer.wire.socket.settimeout(0.5)
    first = peer.ask(1, "api/v1/SLEEPY/attributes", token=b"\x07", observe=0)
    assert first.opt.observe == 0
    time.sleep(0.3)
    quick.set_shared(device, a=1)
    quick.set_shared(device, b=2)
    assert peer.wire.silent(0.2)
    # The next sign of life brings what was held back, merged, ahead of its own answer.
    held = peer.post("api/v1/SLEEPY/telemetry", {"t": 1})
    assert held.opt.observe == 1 and json.loads(held.payload) == {"a": 1, "b": 2}
    assert peer.read().code.dotted == "2.01"
    peer.wire.close()


def test_a_clock_that_jumps_by_what_a_device_slept():
    world = World()
    with Simulator(at_once=True, clock=world.time) as sim:
        profile = sim.add_profile("psm", power_mode="PSM")
        device = sim.add_device("sleepy", "SLEEPY", profile)
        peer = Peer(sim.port)
        assert peer.ask(1, "api/v1/SLEEPY/attributes", token=b"\x07", observe=0).opt.observe == 0
        peer.post("api/v1/SLEEPY/telemetry", {"t": 1})
        peer.read()
        world.skip(86_400)
        peer.wire.socket.settimeout(0.5)
        sim.set_shared(device, a=1)
        assert peer.wire.silent(0.2)
        now = int.from_bytes(peer.ask(1, "efento/t").payload, "big")
        assert 86_400 <= now - time.time() + 1 < 86_410
        held = peer.post("api/v1/SLEEPY/telemetry", {"t": 2})
        assert json.loads(held.payload) == {"a": 1}
        peer.read()
        times = [ts for ts, _, _ in device.telemetry]
        assert 86_400_000 <= times[1] - times[0] < 86_410_000
        peer.wire.close()


def test_paging_window(quick):
    # Outside of it one downlink passes, further ones wait for the next sign of life: an ACK.
    profile = quick.add_profile("edrx", power_mode="E_DRX", activity_ms=200)
    device = quick.add_device("dozing", "DOZING", profile)
    peer = Peer(quick.port)
    peer.wire.socket.settimeout(0.5)
    peer.ask(1, "api/v1/DOZING/attributes", token=b"\x07", observe=0)
    time.sleep(0.3)
    quick.set_shared(device, a=1)
    first = peer.read(acknowledge=False)
    assert json.loads(first.payload) == {"a": 1}
    quick.set_shared(device, b=2)
    quick.set_shared(device, c=3)
    assert peer.wire.silent(0.1)
    peer.wire.ack(first.mid.to_bytes(2, "big"))
    assert json.loads(peer.read().payload) == {"b": 2, "c": 3}
    peer.wire.close()


def test_a_protobuf_device_that_sleeps(quick):
    how = {"transport": "COAP", "payload": "PROTOBUF", "power_mode": "PSM", "activity_ms": 200}
    device = quick.add_device("dozing", "DOZING", quick.add_profile("dozing", **how))
    peer = Peer(quick.port)
    peer.wire.socket.settimeout(0.5)
    path = "api/v1/DOZING/"
    assert peer.ask(1, path + "attributes", token=b"\x07", observe=0).payload == b""
    time.sleep(0.4)
    quick.set_shared(device, a=True)
    quick.set_shared(device, b=False)
    assert peer.wire.silent(0.2)
    held = peer.ask(2, path + "telemetry", bytes.fromhex("090000000000803540"))
    assert held.opt.observe == 1 and held.opt.content_format == 42
    # Two entries: six bytes of time, then the value; false and BOOLEAN_V are left out.
    assert re.fullmatch("0a0e08.{12}12050a01611801" + "0a0c08.{12}12030a0162", held.payload.hex())
    assert peer.read().code.dotted == "2.01"
    peer.wire.close()


def test_protobuf_profile(quick):
    profile = quick.add_profile("proto", transport="COAP", payload="PROTOBUF")
    device = quick.add_device("proto", "PROTO", profile)
    peer = Peer(quick.port)
    path = "api/v1/PROTO/"
    assert peer.code(path + "telemetry", bytes.fromhex("090000000000803540")) == "2.01"
    assert device.latest() == {"temperature": 21.5}
    assert peer.code(path + "telemetry", b'{"t":1}') == "4.00"
    assert peer.code(path + "attributes", b"\x0a\x031.0") == "2.01"
    assert device.client_attributes == {"firmwareVersion": 1.0}
    read = peer.ask(1, path + "attributes", uri_query=["clientKeys=firmwareVersion"])
    assert read.opt.content_format == 42
    assert read.payload[:1] == b"\x12" and b"firmwareVersion" in read.payload
    first = peer.ask(1, path + "attributes", token=b"\x07", observe=0)
    assert first.payload == b"" and first.opt.content_format == 42
    quick.set_shared(device, on=False)
    # Six bytes of time; false and BOOLEAN_V are left out.
    assert re.fullmatch("0a0d08.{12}12040a026f6e", peer.read().payload.hex())
    quick.delete_shared(device, "on")
    assert peer.read().payload == b"\x12\x02on"
    subscribed = peer.ask(1, path + "rpc", token=b"\x08", observe=0)
    assert subscribed.code.dotted == "2.03"
    command = quick.persistent_rpc(device, "m", "p")
    assert peer.read().payload.hex() == "0a016d10001a0170"
    assert peer.code(path + "rpc/0", b"\x0a\x02ok") == "2.01"
    assert command.response == {"payload": "ok"}
    quick.rpc_rule("getTime", lambda params: {"time": 5})
    assert peer.post(path + "rpc", b"\x0a\x07getTime").payload == b'\x12\n{"time":5}'
    quick.persistent_rpc(device, "m", None)
    assert peer.read().payload.hex() == "0a016d1001"
    with pytest.raises(RPCError):
        quick.rpc(device, "m", {"not": "a string"})
    end = peer.read()
    assert end.code.dotted == "2.02" and end.opt.observe is None and end.token == b"\x08"
    assert not quick.observes(device, "rpc")
    peer.wire.close()


def test_a_restart_forgets_observations_and_counts_commands_from_0(quick, peer):
    device = quick.device("golden")
    subscribe(peer)
    subscribe(peer, "rpc", token=b"\x08")
    quick.rpc(device, "m", two_way=False)
    assert json.loads(peer.read().payload)["id"] == 0
    quick.restart()
    assert not quick.observes(device) and not quick.observes(device, "rpc")
    assert peer.wire.silent(0.3)
    subscribe(peer, "rpc", token=b"\x08")
    quick.rpc(device, "m", two_way=False)
    assert json.loads(peer.read().payload)["id"] == 0


@pytest.mark.parametrize("kind", [CON, NON])
def test_observations_that_the_server_closes_are_told(quick, peer, kind):
    subscribe(peer, kind=kind)
    quick.close_observations(quick.device("golden"))
    end = peer.read()
    assert end.code.dotted == "2.02" and end.opt.observe == 0 and end.token == b"\x07"
    assert end.mtype is kind and not quick.observes(quick.device("golden"))
