"""The simulator against datagrams measured on ThingsBoard's CoAP server.

`....` is a message id of the server.
"""

import pytest

TELEMETRY = "b3 617069 02 7631 03 544f4b 09 74656c656d65747279"
ATTRIBUTES = "b3 617069 02 7631 03 544f4b 0a 61747472696275746573"
OBSERVED = "53 617069 02 7631 03 544f4b 0a 61747472696275746573"  # after Observe the delta is 5
JSON_T1 = "11 32 ff 7b2274223a317d"


def test_a1_con_telemetry(sim, wire):
    wire.up(f"41021001a1 {TELEMETRY} {JSON_T1}")
    wire.ack(wire.expect("4141 .... a1"))
    assert sim.device("golden").latest() == {"t": 1}
    assert wire.silent(0.7)  # no ACK for the request, ever


def test_a2_non_telemetry(sim, wire):
    wire.up(f"51021002a2 {TELEMETRY} {JSON_T1}")
    wire.expect("5141 .... a2")
    assert wire.silent(0.7)


def test_a3_refused(wire):
    wire.up(f"41021003a3 {TELEMETRY} 11 32 ff 7b")
    wire.expect("61801003 a3")


def test_a4_slow_back_end(sim, wire):
    sim.switches.backend_delay = 0.9
    wire.up(f"41021004a4 {TELEMETRY} {JSON_T1}")
    wire.expect("60001004")
    wire.ack(wire.expect("4141 .... a4"))


def test_a5_attribute_read(sim, wire):
    sim.device("golden").client_attributes["a"] = 1
    wire.up(f"41011005a5 {ATTRIBUTES} 4c 636c69656e744b6579733d61")
    wire.ack(wire.expect("4145 .... a5 c132 ff 7b22636c69656e74223a7b2261223a317d7d"))


def test_a6_nothing_found(wire):
    wire.up(f"41011006a6 {ATTRIBUTES} 4c 636c69656e744b6579733d61")
    wire.ack(wire.expect("4184 .... a6 c132"))


def test_a7_attribute_subscription(sim, wire):
    device = sim.device("golden")
    device.shared_attributes["s"] = 1
    wire.up(f"42011007b101 60 {OBSERVED}")
    wire.expect("62451007 b101 60 6132 ff 7b2273223a317d")
    sim.set_shared(device, k="x")
    wire.ack(wire.expect("4245 .... b101 6101 6132 ff 7b226b223a2278227d"))
    assert wire.silent(0.5)


def test_a8_rpc_subscription_and_command(sim, wire):
    wire.up("42011008b201 60 53617069 027631 03544f4b 03727063")
    wire.ack(wire.expect("4243 .... b201 60"))
    sim.rpc(sim.device("golden"), "m", {}, two_way=False)
    wire.ack(
        wire.expect(
            "4245 .... b201 6101 6132 ff"
            "7b226964223a302c226d6574686f64223a226d222c22706172616d73223a7b7d7d"
        )
    )


def test_a9_new_token_replaces(sim, wire):
    sim.device("golden").shared_attributes["s"] = 1
    wire.up(f"42011007b101 60 {OBSERVED}")
    wire.expect("62451007 b101 60 6132 ff 7b2273223a317d")
    wire.up(f"42011009b102 60 {OBSERVED}")
    wire.ack(wire.expect("4242 .... b101 60"))
    wire.expect("62451009 b102 60 6132 ff 7b2273223a317d")


def test_a10_cancel(sim, wire):
    wire.up(f"42011007b102 60 {OBSERVED}")
    wire.expect("62451007 b102 60 6132 ff 7b7d")
    wire.up(f"4201100ab102 6101 {OBSERVED}")
    wire.expect("6000100a")
    assert wire.silent(1.0)
    assert not sim.observes(sim.device("golden"))


def test_a16_block1_telemetry(sim, wire):
    body = b'{"t":"' + b"x" * 292 + b'"}'
    head = TELEMETRY
    wire.up(bytes.fromhex(f"41021010d1 {head} d1030c d214012c ff") + body[:256])
    wire.expect("615f1010 d1 d10e0c")
    wire.up(bytes.fromhex(f"41021011d2 {head} d10314 ff") + body[256:])
    wire.ack(wire.expect("4141 .... d2 d10e14"))
    assert sim.device("golden").latest() == {"t": "x" * 292}


def test_a17_ping(wire):
    wire.up("4000beef")
    wire.expect("7000beef")


@pytest.mark.parametrize("size", [2508])
def test_a18_large_notification(sim, wire, size):
    device = sim.device("golden")
    wire.up(f"42011007b101 60 {OBSERVED}")
    wire.expect("62451007 b101 60 6132 ff 7b7d")
    value = "v" * (size - len('{"k":""}'))
    body = f'{{"k":"{value}"}}'.encode()
    sim.set_shared(device, k=value)
    wire.ack(wire.expect("4245 .... b101 6101 6132 b10e 5209cc ff" + body[:1024].hex()))
    wire.up(f"42016abdb901 {ATTRIBUTES} c116")
    wire.expect("62456abd b901 c132 b11e ff" + body[1024:2048].hex())
    wire.up(f"42016abeb902 {ATTRIBUTES} c126")
    wire.expect("62456abe b902 c132 b126 ff" + body[2048:].hex())
