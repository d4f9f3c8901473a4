"""Our client on the unix port against a server made of Californium, as ThingsBoard is."""

import random

import pytest

from tests.interop.peers import ours
from tests.interop.relay import Relay

GET, PUT = 1, 3
CON, NON, ACK = 0, 1, 2
CHANGED, CONTENT, NOT_FOUND = 0x44, 0x45, 0x84
OBSERVE = 6


@pytest.fixture
def relay(californium):
    with Relay(californium.port) as relay:
        yield relay


def body(size: int) -> str:
    return random.Random(size).randbytes(size).hex()


def get(path="store", **how):
    return {"request": [GET, path], **how}


def put(size, path="store", **how):
    return {"request": [PUT, path], "payload": body(size), **how}


# Where the answer comes: "store" puts it into the ACK, "typed" answers a CON by a CON without ACK.
@pytest.mark.parametrize(
    "path, kind, answered", [("store", CON, ACK), ("typed", CON, CON), ("typed", NON, NON)]
)
def test_types_of_answers(californium, path, kind, answered):
    steps = put(20, path, type=kind), get(path, type=kind), get(path, type=kind)
    (changed, *answers), counters = ours(californium.port, *steps)
    assert changed["code"] == CHANGED and changed["type"] == answered
    for answer in answers:
        assert (answer["code"], answer["type"]) == (CONTENT, answered)
        assert answer["payload"] == body(20)
    assert set(counters.values()) == {0}


def test_separate_response(californium):
    (answer,), counters = ours(californium.port, get("slow"))
    assert bytes.fromhex(answer["payload"]) == b"late" and answer["type"] == CON
    assert set(counters.values()) == {0}


def test_error_response(californium):
    (answer,), counters = ours(californium.port, get("nothing/here"))
    assert answer["error"] == "ResponseError" and answer["code"] == NOT_FOUND
    assert set(counters.values()) == {0}


# Bodies of one block, of exactly a block, and over it; NUM past 15, where it takes another byte.
@pytest.mark.parametrize("path, kind", [("store", CON), ("typed", CON), ("typed", NON)])
@pytest.mark.parametrize("block_size", [16, 256, 1024])
def test_blocks_both_ways(californium, path, kind, block_size):
    how = {"path": path, "type": kind, "block_size": block_size, "max_body": 100_000}
    sizes = [block_size // 2, block_size, block_size + 1, 2 * block_size, 17 * block_size]
    steps = [step for size in sizes for step in (put(size, **how), get(**how))]
    answers, counters = ours(californium.port, *steps)
    assert [answer["code"] for answer in answers] == [CHANGED, CONTENT] * len(sizes)
    assert [answer["payload"] for answer in answers[1::2]] == list(map(body, sizes))
    assert set(counters.values()) == {0}


@pytest.mark.parametrize("path", ["store", "typed"])
def test_blocks_over_a_lossy_path(relay, path):
    relay.link.loss_up = relay.link.loss_down = 0.05
    relay.link.duplicate = relay.link.reorder = 0.1
    how = {"block_size": 256}
    (changed, answer), counters = ours(relay.port, put(3000, path, **how), get(path, **how))
    assert changed["code"] == CHANGED and answer["payload"] == body(3000)
    assert counters["retransmissions"] >= 2


# The content of the answer to the registration, and of notifications; each goes through PUT.
SIZES = {"small": [10, 20, 30, 40], "large": [2500, 3000, 1025, 5000]}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=list(SIZES))
@pytest.mark.parametrize("kind", [CON, NON])
@pytest.mark.parametrize("path", ["store", "typed"])
def test_observe(californium, path, kind, sizes):
    changes = [put(size, path) for size in sizes[1:]]
    step = {"observe": path, "messages": len(sizes), "type": kind, "between": changes}
    # What is put after the end of the observation notifies nobody.
    steps = put(sizes[0], path), step, put(50, path), get(path)
    (_, answer, _, after), counters = ours(californium.port, *steps)
    messages = answer["messages"]
    assert [message["payload"] for message in messages] == list(map(body, sizes))
    assert {message["type"] for message in messages[1:]} == {kind}
    numbers = [int(dict(m["options"])[OBSERVE] or "0", 16) for m in messages]
    assert numbers == sorted(set(numbers))
    assert after["payload"] == body(50)
    assert answer["lost"] == 0 and set(counters.values()) == {0}
