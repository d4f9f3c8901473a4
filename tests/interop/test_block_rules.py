"""What the server does with blocks in any order: Californium, and the simulator like it."""

import random

import pytest
from aiocoap.numbers.codes import CONTENT, EMPTY
from aiocoap.numbers.types import ACK, CON, NON, RST

from tests.system.wire import Peer
from tools.tbsim import Package, Simulator

TOKEN = "T"
DATA = random.Random(1).randbytes(10 * 1024 + 7)
LAST = len(DATA) // 1024
QUERY = ["title=app", "version=1.1"]
SILENT_S = 0.3


@pytest.fixture(scope="module")
def server(californium):
    californium.assign(DATA)
    return californium


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as sim:
        sim.assign(sim.add_device("pump", TOKEN), Package("app", "1.1", DATA))
        yield sim


@pytest.fixture(params=["server", "simulator"])
def device(request):
    """A device with a port of its own, of which the server knows no transfer."""
    device = Device(request.getfixturevalue(request.param).port)
    yield device
    device.wire.close()


class Device(Peer):
    def get(self, num, size=1024, kind=NON):
        """Ask for a block; returns the answer, which is no empty ACK."""
        szx = size.bit_length() - 5
        query = {"uri_query": QUERY, "block2": (num, False, szx)}
        answer = self.ask(1, f"fw/{TOKEN}", kind=kind, token=num.to_bytes(2, "big"), **query)
        return self.read() if (answer.mtype, answer.code) == (ACK, EMPTY) else answer

    def right(self, num, size=1024, kind=NON, answered=NON):
        """Ask for a block and look whether its bytes come as they should."""
        answer = self.get(num, size, kind)
        assert (answer.code, answer.mtype) == (CONTENT, answered)
        start = num * size
        assert answer.payload == DATA[start : start + size]
        block = answer.opt.block2
        assert (block.block_number, block.size) == (num, size)
        assert block.more == (start + size < len(DATA))
        assert answer.opt.size2 == (None if num else len(DATA))
        assert answer.opt.etag is None
        return answer

    def forgot(self, num):
        """Whether no transfer is known: a NON gets a Reset, a CON an empty ACK and no more."""
        reset = self.get(num)
        self.wire.socket.settimeout(SILENT_S)
        silent = self.get(num, kind=CON) is None
        self.wire.socket.settimeout(2.0)
        return reset.mtype is RST and silent


def test_blocks_in_any_order_of_any_size(device):
    device.right(0)
    for num, size in ((5, 1024), (1, 1024), (1, 1024), (9, 512), (600, 16), (2, 1024), (0, 1024)):
        device.right(num, size)


def test_by_con(device):
    device.right(0, kind=CON, answered=CON)  # after an empty ACK
    device.right(3, kind=CON, answered=ACK)


def test_no_transfer_without_block_0(device):
    assert device.forgot(1) and device.forgot(LAST)
    device.right(0)
    device.right(1)


def test_the_last_block_ends_the_transfer(device):
    device.right(0)
    device.right(LAST)
    assert device.forgot(1) and device.forgot(LAST)
    device.right(0)
    device.right(1)


def test_a_block_past_the_end_is_empty_and_ends_the_transfer(device):
    device.right(0)
    answer = device.get(LAST + 1)
    assert answer.code is CONTENT and answer.payload == b""
    assert device.forgot(1)


def test_a_transfer_belongs_to_a_port(device):
    device.right(0)
    other = Device(device.wire.socket.getpeername()[1])
    assert other.forgot(1)
    other.wire.close()
    device.right(1)


def test_a_restart_ends_all_transfers(californium):
    device = Device(californium.port)
    device.right(0)
    californium.restart()
    assert device.forgot(1)
    device.right(0)
    device.wire.close()
