"""Our client on the unix port against a server made of aiocoap."""

import hashlib
import random

import pytest

from tests.interop.aiocoap_server import AiocoapServer
from tests.interop.peers import ours

GET, POST, FETCH = 1, 2, 5
CON, NON = 0, 1
CHANGED, CONTENT, CONFLICT = 0x44, 0x45, 0x89


@pytest.fixture(scope="module")
def server():
    with AiocoapServer() as server:
        yield server


def body(size: int) -> str:
    return random.Random(size).randbytes(size).hex()


@pytest.mark.parametrize("kind", [CON, NON])
@pytest.mark.parametrize("block_size", [16, 128, 1024])
@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 5000])
def test_blocks_both_ways_in_one_exchange(server, size, block_size, kind):
    step = {"request": [POST, "echo"], "payload": body(size), "block_size": block_size}
    (answer,), counters = ours(server.port, {**step, "type": kind})
    assert answer["code"] == CHANGED
    assert answer["payload"] == body(size)
    assert set(counters.values()) == {0}


def test_separate_response(server):
    (answer,), counters = ours(server.port, {"request": [GET, "slow"]})
    assert bytes.fromhex(answer["payload"]) == b"late" and answer["type"] == CON
    assert counters["retransmissions"] == counters["unexpected"] == 0


def test_fetch(server):
    (answer,), _ = ours(server.port, {"request": [FETCH, "fetch"], "payload": body(2000)})
    assert answer["code"] == CONTENT
    assert answer["payload"] == hashlib.sha256(bytes.fromhex(body(2000))).hexdigest()


def test_each_query_is_an_option(server):
    query = ["a=1", "b=x&y", "ö", ""]
    (answer,), _ = ours(server.port, {"request": [GET, "query"], "query": query})
    assert bytes.fromhex(answer["payload"]).decode() == "|".join(query)


def test_error_response_with_its_payload(server):
    (answer,), _ = ours(server.port, {"request": [GET, "refuse"]})
    assert answer["error"] == "ResponseError" and answer["code"] == CONFLICT
    assert bytes.fromhex(answer["payload"]) == b"not now"


def test_unknown_critical_option_is_rejected(server):
    (answer,), counters = ours(server.port, {"request": [GET, "critical"], "timeout_ms": 1500})
    assert answer["error"] == "OSError"
    assert counters["unexpected"] >= 1


@pytest.mark.parametrize("kind", [CON, NON])
def test_observe(server, kind):
    step = {"observe": "tick", "messages": 4, "type": kind}
    (answer, after), counters = ours(server.port, step, {"request": [GET, "query"]})
    numbers = [int(bytes.fromhex(message["payload"])) for message in answer["messages"]]
    assert numbers == [numbers[0] + i for i in range(4)]
    assert after["code"] == CONTENT
    assert counters["malformed"] == counters["stale"] == 0
