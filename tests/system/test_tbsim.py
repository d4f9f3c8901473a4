"""The simulator's behaviour beyond the measured datagrams: what breaks naive clients."""

import json
import time

import pytest
from aiocoap.numbers.types import ACK, CON, NON

from tests.system.wire import Peer, Wire
from tools.tbsim import Simulator, Timing

TELEMETRY = "b3 617069 02 7631 03 544f4b 09 74656c656d65747279"
T1 = "ff 7b2274223a317d"


def test_message_ids_are_all_that_duplicates_are_known_by(quick):
    wire = Wire(quick.port)
    wire.up(f"41021001a1 {TELEMETRY} {T1}")
    first = wire.down()
    wire.up(f"41021001a1 {TELEMETRY} {T1}")  # un-ACKed: an empty ACK and the same response
    assert wire.down().hex() == "60001001"
    assert wire.down() == first
    wire.ack(first[2:4])
    time.sleep(0.05)
    wire.up(f"41021001b7 {TELEMETRY} ff 7b2274223a327d")  # another token and payload
    assert wire.down().hex() == "60001001"
    assert wire.silent(0.3)
    assert quick.device("golden").latest() == {"t": 1}
    wire.up(f"51021002a2 {TELEMETRY} {T1}")
    answer = wire.down()
    wire.up(f"51021002c3 {TELEMETRY} {T1}")
    assert wire.down() == answer
    assert quick.device("golden").posts == 2


def test_unacked_responses_are_repeated(quick):
    wire = Wire(quick.port)
    wire.up(f"41021001a1 {TELEMETRY} {T1}")
    first = wire.down()
    start = time.monotonic()
    assert wire.down() == first
    assert 0.2 <= time.monotonic() - start < 0.5
    for _ in range(3):
        wire.socket.settimeout(6)
        assert wire.down() == first
    assert wire.silent(1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "2.01"),
        (b'[{"a":1},{"ts":5,"values":{"b":2}}]', "2.01"),
        (b'{"ts":"123","values":{"a":1}}', "2.01"),
        (b"", "4.00"),
        (b"null", "4.00"),
        (b"5", "4.00"),
        (b"[1]", "4.00"),
        (b"[[{}]]", "4.00"),
        (b'{"a":1,}', "4.00"),
        (b'{"ts":1,"values":5}', "4.00"),
        (b'{"ts":[1,2],"values":{}}', "4.00"),
        (b'{"ts":"abc","values":{}}', "5.00"),
        (b'{"ts":true,"values":{}}', "5.00"),
    ],
)
def test_telemetry_bodies(peer, body, code):
    assert peer.code("api/v1/TOK/telemetry", body) == code


def test_telemetry_values(quick, peer):
    body = (
        b'{"i":"25","s":"x","f":3.0,"n":null,"big":99999999999999999999,"nan":NaN,"o":{"a":[1]}}'
    )
    peer.post("api/v1/TOK/telemetry", body)
    assert quick.device("golden").latest() == {
        "i": 25,
        "s": "x",
        "f": 3.0,
        "big": "99999999999999999999",
        "nan": "NaN",
        "o": {"a": [1]},
    }


def test_an_empty_list_is_never_answered(peer):
    ack = peer.post("api/v1/TOK/telemetry", [])
    assert ack.mtype is ACK and ack.code.dotted == "0.00"
    assert peer.wire.silent(0.5)
    assert peer.post("api/v1/TOK/telemetry", [], kind=NON) is None


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        (1, "", "4.04"),
        (1, "api", "4.05"),
        (1, "api/v1", "4.00"),
        (3, "api/v1/TOK/telemetry", "4.05"),
        (1, "api/v1/TOK/telemetry", "4.00"),
        (1, "api/v1/TOK/rpc", "4.00"),
        (2, "api/v1/TOK/nonsense", "4.00"),
        (2, "api/v1/NOBODY/telemetry", "4.01"),
        (2, "api/v1/telemetry", "4.01"),
        (1, "api/v1/TOK/firmware", "4.00"),
        (2, "api/v1/TOK/Telemetry", "2.01"),
        (2, "/api/v1/TOK/telemetry", "2.01"),  # one option with slashes in it
    ],
)
def test_paths(peer, method, path, code):
    if path.startswith("/"):
        response = peer.ask(method, "x", b"{}", uri_path=[path])
    else:
        response = peer.ask(method, path, b"{}")
    assert response.code.dotted == code


def test_the_token_is_checked_before_the_body(peer):
    assert peer.code("api/v1/NOBODY/telemetry", b"{") == "4.01"


def test_profiles_that_do_not_speak_coap(quick, peer):
    for transport, code in (("MQTT", "5.00"), ("EFENTO", "4.00"), ("COAP", "2.01")):
        profile = quick.add_profile(transport, transport=transport)
        quick.add_device(transport, "T" + transport, profile)
        assert peer.code(f"api/v1/T{transport}/telemetry", {"a": 1}) == code


def test_content_format_is_echoed(quick, peer):
    quick.device("golden").client_attributes["a"] = 1
    assert peer.ask(1, "api/v1/TOK/attributes").opt.content_format == 50
    assert peer.ask(1, "api/v1/TOK/attributes", content_format=0).opt.content_format == 0


def test_attribute_queries(quick, peer):
    device = quick.device("golden")
    device.client_attributes.update(a=1, b=2)
    device.shared_attributes.update(s=3)

    def read(*query):
        return json.loads(peer.ask(1, "api/v1/TOK/attributes", uri_query=list(query)).payload)

    assert read() == {"client": {"a": 1, "b": 2}, "shared": {"s": 3}}
    assert read("clientKeys=a") == {"client": {"a": 1}}
    assert read("sharedKeys=s,x", "clientKeys=b") == {"client": {"b": 2}, "shared": {"s": 3}}
    assert read("sharedKeys=s&clientKeys=b") == read()  # joined: not understood


def test_unknown_critical_option(peer):
    request = bytes.fromhex("41021077a1 b3617069 027631 03544f4b 0974656c656d65747279 e1fcd101")
    peer.wire.up(request)
    response = peer.read()
    assert response.code.dotted == "4.02" and b"65001" in response.payload


def test_datagrams_over_2048_bytes_vanish(peer):
    head = bytes.fromhex("41021055a1 b3617069 027631 03544f4b 0974656c656d65747279 ff")
    for size, heard in ((2049, False), (2048, True)):
        body = b'{"t":"' + b"x" * (size - len(head) - 8) + b'"}'
        assert len(head + body) == size
        peer.wire.up(head + body)
        assert (peer.read() is not None) is heard


def test_blocks_out_of_order(peer):
    path = "api/v1/TOK/telemetry"
    assert peer.code(path, b"x" * 256, block1=(1, True, 4)) == "4.08"
    assert peer.code(path, b"x" * 256, block1=(0, True, 4), size1=300 << 20) == "4.13"
    assert peer.code(path, b"x" * 256, block1=(0, True, 4), size1=300) == "2.31"
    assert peer.code(path, b"x" * 256, block1=(1, False, 4)) == "4.13"  # more than said
    assert peer.code(path, b"x" * 256, block1=(0, True, 4)) == "2.31"
    assert peer.code(path, b"x" * 256, block1=(1, True, 4), content_format=0) == "4.08"


def test_large_answers(quick, peer):
    quick.device("golden").client_attributes["k"] = "v" * 2000
    path = "api/v1/TOK/attributes"
    first = peer.ask(1, path)
    assert first.opt.block2 == (0, True, 6) and first.opt.size2 == 2019
    second = peer.ask(1, path, block2=(1, False, 6), token=b"\x02")
    assert second.mtype is ACK and second.opt.block2 == (1, False, 6)
    assert json.loads(first.payload + second.payload)["client"]["k"] == "v" * 2000
    # The last block was fetched: the body is gone, and the request runs anew.
    again = peer.ask(1, path, block2=(1, False, 6))
    assert again.mtype is CON and again.payload == second.payload
    assert peer.ask(1, path, block2=(9, False, 6)).code.dotted == "4.02"
    small = peer.ask(1, path, block2=(0, False, 2))
    assert small.opt.block2 == (0, True, 2) and len(small.payload) == 64


def test_client_side_rpc(quick, peer):
    quick.rpc_rule("getTime", lambda params: {"time": params})
    response = peer.post("api/v1/TOK/rpc", {"method": "getTime", "params": 5})
    assert json.loads(response.payload) == {"time": 5} and response.opt.content_format == 50
    assert peer.code("api/v1/TOK/rpc", {"params": 5}) == "5.00"
    assert peer.code("api/v1/TOK/rpc", {"method": "nobody"}) == "0.00"
    assert peer.wire.silent(0.3)


def test_claims(quick, peer):
    for body, code in (
        (b"", "2.01"),
        ({"secretKey": "s", "durationMs": 5}, "2.01"),
        ([1], "4.00"),
        (b"{", "4.00"),
        ({"durationMs": "x"}, "5.00"),
    ):
        assert peer.code("api/v1/TOK/claim", body) == code
    assert quick.device("golden").claims == [
        {"secretKey": "", "durationMs": 86_400_000},
        {"secretKey": "s", "durationMs": 5},
    ]


def test_provisioning(quick, peer):
    create = {"provisionDeviceKey": "k", "provisionDeviceSecret": "s"}
    quick.add_profile(
        "new", provision_key="k", provision_secret="s", strategy="ALLOW_CREATE_NEW_DEVICES"
    )
    quick.add_profile("off", provision_key="off", provision_secret="s")

    def provision(**fields):
        response = peer.post("api/v1/provision", {**create, **fields})
        assert response.mtype is ACK
        assert response.opt.content_format == (0 if response.payload else None)
        return response.code.dotted, json.loads(response.payload) if response.payload else None

    code, answer = provision()
    assert code == "2.01" and len(answer["credentialsValue"]) == 20
    assert provision(deviceName="a", token="mine")[1]["credentialsValue"] == "mine"
    assert provision(deviceName="a")[1]["status"] == "FAILURE"
    assert provision(token="mine")[1]["status"] == "FAILURE"
    assert provision(deviceName=" ")[1]["status"] == "FAILURE"
    assert provision(deviceName="")[1]["status"] == "SUCCESS"
    assert provision(provisionDeviceSecret="x")[1]["status"] == "NOT_FOUND"
    assert provision(provisionDeviceKey="off")[1]["status"] == "NOT_FOUND"
    assert provision(credentialsType="OTHER") == ("4.00", None)
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\nxyz=\n-----END CERTIFICATE-----\n"
    x509 = provision(credentialsType="X509_CERTIFICATE", hash=pem)[1]
    assert x509["credentialsValue"] == "MIIBxyz="
    mqtt = provision(credentialsType="MQTT_BASIC", clientId="c", username="u", password="p")[1]
    assert mqtt["credentialsValue"] == {"clientId": "c", "userName": "u", "password": "p"}
    for without in ("X509_CERTIFICATE", "MQTT_BASIC", "LWM2M_CREDENTIALS"):
        assert provision(credentialsType=without)[1]["credentialsType"] == "ACCESS_TOKEN"
    assert peer.post("api/v1/provision", {"x": 1}).payload == b""
    assert peer.post("api/v1/provision", b"").payload == b"\x08\x02"


def test_pre_provisioned_devices(quick, peer):
    profile = quick.add_profile(
        "pre", provision_key="k", provision_secret="s", strategy="CHECK_PRE_PROVISIONED_DEVICES"
    )
    quick.add_device("known", "KNOWN", profile)
    ask = {"provisionDeviceKey": "k", "provisionDeviceSecret": "s", "deviceName": "known"}
    first = json.loads(peer.post("api/v1/provision", ask).payload)
    assert first["credentialsValue"] == "KNOWN"
    assert json.loads(peer.post("api/v1/provision", ask).payload)["status"] == "FAILURE"
    ask["deviceName"] = "unknown"
    assert json.loads(peer.post("api/v1/provision", ask).payload)["status"] == "FAILURE"


def test_rate_limit(quick, peer):
    quick.switches.rate_limited = 2
    codes = [peer.code("api/v1/TOK/telemetry", {"a": 1}) for _ in range(3)]
    assert codes == ["5.00", "5.00", "2.01"]


def test_silent_core(quick, peer):
    quick.switches.silent_core = True
    assert peer.ask(1, "api/v1/TOK/attributes").code.dotted == "0.00"
    assert peer.wire.silent(0.3)


def test_time(quick, peer):
    quick.store.clock_ms = lambda: 1_790_000_000_123
    assert peer.ask(1, "efento/t").payload == (1_790_000_000).to_bytes(4, "big")


def test_no_response_option(peer):
    path = "api/v1/TOK/telemetry"
    assert peer.code(path, {"a": 1}, no_response=2) == "2.01"
    assert peer.code(path, {"a": 1}, no_response=2, kind=NON) is None


def test_link_faults_are_counted_and_repeatable():
    def run():
        timing = Timing(piggyback=0.05, ack_timeout=0.2)
        with Simulator(timing=timing, seed=5, at_once=True) as sim:
            sim.add_device("d", "TOK")
            sim.link.loss_up = sim.link.loss_down = 0.3
            sim.link.duplicate = 0.2
            peer = Peer(sim.port)
            peer.wire.socket.settimeout(0.05)
            heard = []
            for n in range(40):
                heard.append(peer.code("api/v1/TOK/telemetry", {"n": n}, kind=NON) is not None)
                while peer.read():
                    pass
            peer.wire.close()
            return heard, dict(sim.link.counts)

    first, second = run(), run()
    assert first == second
    assert first[1]["dropped_up"] > 3 and first[1]["dropped_down"] > 3
    assert first[1]["duplicated"] > 3


def test_a_port_that_is_taken():
    with Simulator() as sim:
        with pytest.raises(OSError):
            Simulator(port=sim.port).start()


def test_an_access_token_that_was_taken_away_is_unknown(quick, peer):
    device = quick.add_device("pump", "OLD")
    assert peer.code("api/v1/OLD/telemetry", {"a": 1}) == "2.01"
    device.access_token = "NEW"
    assert peer.code("api/v1/OLD/telemetry", {"a": 2}) == "4.01"
    assert peer.code("api/v1/NEW/telemetry", {"a": 3}) == "2.01"
    quick.store.devices.clear()
    assert peer.code("api/v1/NEW/telemetry", {"a": 4}) == "4.01"
    assert [point.value for point in device.telemetry] == [1, 3]
