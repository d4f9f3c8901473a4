"""What the simulator does about bad input and a bad path, and what its restart forgets."""

import json

import pytest
from aiocoap.numbers.types import CON

from tools.tbsim import RPCError

TELEMETRY = "api/v1/TOK/telemetry"
DEEP = b"[" * 1500


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (TELEMETRY, DEEP, "4.00"),
        (TELEMETRY, b'{"a":' * 400, "4.00"),
        (TELEMETRY, b'{"ts":1e999,"values":{}}', "5.00"),
        (TELEMETRY, b'{"n":' + b"9" * 900 + b"}", "2.01"),
        ("api/v1/TOK/attributes", DEEP, "4.00"),
        ("api/v1/TOK/claim", DEEP, "4.00"),
        ("api/v1/TOK/rpc/1", DEEP, "5.00"),
        ("api/v1/TOK/rpc", DEEP, "5.00"),
        ("api/v1/provision", DEEP, "4.00"),
    ],
)
def test_a_body_that_no_parser_can_stand(peer, path, body, code):
    assert peer.code(path, body) == code
    assert peer.code(TELEMETRY, {"a": 1}) == "2.01"


def test_half_a_surrogate_pair_comes_back_as_a_question_mark(quick, peer):
    peer.post("api/v1/TOK/attributes", b'{"half":"\\ud800"}')
    answer = peer.ask(1, "api/v1/TOK/attributes", uri_query=["clientKeys=half"])
    assert json.loads(answer.payload) == {"client": {"half": "?"}}


def observe(peer, feature, token):
    answer = peer.ask(1, f"api/v1/TOK/{feature}", token=token, observe=0)
    while answer and answer.token != token:
        answer = peer.read()
    assert answer and answer.opt.observe == 0


def test_a_restart_forgets_observations_without_a_word_and_counts_commands_from_0(quick, peer):
    device = quick.device("golden")
    observe(peer, "rpc", b"\x08")
    observe(peer, "attributes", b"\x09")
    for n in (0, 1):
        with pytest.raises(RPCError, match="timeout"):
            quick.rpc(device, "m", timeout=0.1)
        assert json.loads(peer.read().payload)["id"] == n
    quick.restart()
    assert peer.wire.silent(0.5)
    quick.set_shared(device, interval=1)
    assert not quick.observes(device) and not quick.observes(device, "rpc")
    assert peer.wire.silent(0.5)
    observe(peer, "rpc", b"\x0a")
    with pytest.raises(RPCError, match="timeout"):
        quick.rpc(device, "m", timeout=0.1)
    assert json.loads(peer.read().payload)["id"] == 0


def test_after_a_restart_the_same_datagram_is_taken_once_more(quick, peer):
    for posts in (1, 1, 2):
        if posts == 2:
            quick.restart()
        peer.post(TELEMETRY, {"ts": 5, "values": {"a": 1}}, mid=0x77)
        assert quick.device("golden").posts == posts


def test_a_path_that_drops_what_is_large(quick, peer):
    quick.link.max_bytes = 100
    assert peer.code(TELEMETRY, {"a": 1}) == "2.01"
    assert peer.code(TELEMETRY, {"a": "x" * 100}) is None
    assert quick.link.counts["too_large"] == 1 and quick.device("golden").posts == 1
    quick.link.max_bytes = None
    assert peer.code(TELEMETRY, {"a": "x" * 100}) == "2.01"


def test_a_translator_that_forgets_an_address(quick, peer):
    device = quick.device("golden")
    observe(peer, "attributes", b"\x09")
    quick.link.nat.rebind()
    quick.set_shared(device, n=1)  # goes to the address that is gone
    assert peer.wire.silent(0.3)
    assert peer.code(TELEMETRY, {"a": 1}) == "2.01"
    first = quick.events[-1].address
    quick.link.nat.rebind()
    assert peer.code(TELEMETRY, {"a": 1}) == "2.01"
    assert quick.events[-1].address != first
    observe(peer, "attributes", b"\x0a")
    quick.set_shared(device, n=2)
    while json.loads(peer.read().payload) != {"n": 2}:
        pass


def test_a_feature_that_is_mute(quick, peer):
    quick.switches.mute = ("telemetry",)
    assert peer.post(TELEMETRY, {"a": 1}, kind=CON) is None
    assert quick.device("golden").posts == 0
    assert peer.code("api/v1/TOK/attributes", {"a": 1}) == "2.01"
