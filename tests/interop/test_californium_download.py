"""Packages by Block2, several blocks under way, from a server made of Californium."""

import random

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import GET
from aiocoap.numbers.types import CON

from tests.interop.peers import ours
from tests.interop.relay import Relay

SIZE = 40 * 1024 + 100
DATA = random.Random(1).randbytes(SIZE)
BLOCKS = SIZE // 1024 + 1
LAST = BLOCKS - 1
QUERY = ["title=app", "version=1.1"]


@pytest.fixture
def path(californium):
    californium.assign(DATA)
    with Path(californium) as path:
        yield path


class Path(Relay):
    """The way to the server. Knows which blocks were asked for, as they arrived at the path, and
    does what is to happen when a number of requests has come.
    """

    def __init__(self, server):
        super().__init__(server.port)
        self.server = server
        self.asked: list[int] = []
        self.types = set()  # of the requests
        self.under_way: list[int] = []  # with each request: how many have no answer
        self._open = 0
        self.events = {}  # function by number of requests
        self.meet = self._meet

    def _meet(self, up, data):
        message = Message.decode(data)
        if up and message.code is GET:
            self.asked.append(message.opt.block2.block_number)
            self.types.add(message.mtype)
            self._open += 1
            self.under_way.append(self._open)
            if event := self.events.pop(len(self.asked), None):
                event()
        elif not up and message.code.is_response():
            self._open -= 1
        return True


def download(**how):
    return {"download": "fw/T", "query": QUERY, **how}


def fetched(port, **how):
    """Download and compare; returns the client's counters."""
    (answer,), counters = ours(port, download(**how))
    assert answer.get("payload") == DATA[how.get("from", 0) :].hex(), answer.get("text")
    return counters


@pytest.mark.parametrize("block_size", [1024, 256])
@pytest.mark.parametrize("window", [1, 3, 8])
def test_each_block_once_and_the_last_one_alone(path, window, block_size):
    path.link.delay_ms = 5
    counters = fetched(path.port, window=window, block_size=block_size)
    count = -(-SIZE // block_size)
    assert sorted(set(path.asked)) == list(range(count)) and path.asked[0] == 0
    # A machine that stops for a moment looks like a loss.
    repeated = counters["retransmissions"]
    assert len(path.asked) == count + repeated and repeated <= count // 20
    assert window <= max(path.under_way) <= window + repeated
    last = path.asked.index(count - 1)
    assert set(path.asked[last:]) == {count - 1} and path.under_way[last] == 1
    assert counters["malformed"] == counters["stale"] == 0


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize("window", [3, 8])
@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_loss(path, loss, window, pause):
    path.link.loss_up = path.link.loss_down = loss
    path.link.delay_ms = 10
    counters = fetched(path.port, window=window, pause=pause)
    counts = path.link.counts
    lost = counts["dropped_up"] + counts["dropped_down"]
    assert lost
    # Nothing goes out again that was not lost, but for a machine that stops for a moment.
    assert counters["retransmissions"] <= lost + BLOCKS // 20


def test_duplicates_and_disorder(path):
    path.link.duplicate = path.link.reorder = 0.2
    path.link.delay_ms = path.link.reorder_ms = 10
    fetched(path.port, window=8)


def test_resumes_in_the_middle(path):
    start = 25 * 1024 + 300
    fetched(path.port, **{"from": start})
    assert path.asked[0] == 0 and set(path.asked[1:]) == set(range(25, BLOCKS))


def test_resumes_at_the_last_block(path):
    fetched(path.port, **{"from": LAST * 1024 + 1})
    assert path.asked[0] == 0 and set(path.asked) == {0, LAST}


def restart(path):
    path.server.restart()


def other_port(path):
    path.rebind()


@pytest.mark.parametrize("forget", [restart, other_port])
@pytest.mark.parametrize("window", [1, 3, 8])
def test_a_forgotten_transfer_goes_on_where_it_was(path, window, forget):
    path.link.delay_ms = 5
    path.events[25] = lambda: forget(path)
    fetched(path.port, window=window)
    again = path.asked.index(0, 1)
    # What was under way is asked for again, nothing else.
    assert 25 <= again <= 25 + window
    assert len(path.asked) <= BLOCKS + 1 + window + BLOCKS // 20


def test_forgotten_while_the_link_was_gone(path):
    def gone():
        path.server.restart()
        path.link.loss_up = 1.0
        path.loop.call_later(4, back)

    def back():
        path.link.loss_up = 0.0

    path.events[25] = gone
    fetched(path.port)
    assert CON in path.types  # the silence was probed, and the answer was an empty ACK
    assert path.asked.count(0) > 1


def test_forgotten_again_and_again(path):
    path.events = {n: path.server.restart for n in range(6, 400, 12)}
    fetched(path.port, window=8)


def test_the_answer_to_the_last_block_is_lost(path):
    # The server forgot the transfer with it.
    path.events[BLOCKS] = lambda: setattr(path.link, "loss_down", 1.0)
    path.events[BLOCKS + 1] = lambda: setattr(path.link, "loss_down", 0.0)
    fetched(path.port)
    assert set(path.asked[BLOCKS:]) == {0, LAST}


def test_another_package_in_mid_transfer(path):
    # The transfer goes on with the old one; what begins anew is refused.
    path.events[20] = lambda: path.server.assign(b"other", version="1.2")
    fetched(path.port)
    (answer,), _ = ours(path.port, download())
    assert answer == {"error": "ResponseError", "text": "4.00"}


def test_another_package_and_a_forgotten_transfer(path):
    def change():
        path.server.assign(b"other", version="1.2")
        path.server.restart()

    path.events[20] = change
    (answer,), _ = ours(path.port, download())
    assert answer == {"error": "ResponseError", "text": "4.00"}


@pytest.mark.parametrize("size", [7, 100, 1023, 1024, 1025, 2048])
def test_small_packages(californium, size):
    californium.assign(DATA[:size])
    (answer,), counters = ours(californium.port, download())
    assert answer.get("payload") == DATA[:size].hex(), answer
    assert set(counters.values()) == {0}


def test_package_of_six_bytes(californium):
    # ThingsBoard says of up to six bytes that there are more: see Server.java.
    californium.assign(b"123456")
    (answer,), _ = ours(californium.port, download())
    assert answer["error"] == "TransferError"


def test_one_block_at_a_time_by_con(path):
    # What is no package comes by a plain request: the empty ACK, a CON, then all in ACKs.
    step = {"request": [1, "fw/T"], "query": QUERY, "block_size": 512, "max_body": SIZE}
    (answer,), counters = ours(path.port, step)
    assert answer["payload"] == DATA.hex()
    assert set(counters.values()) == {0}
