"""How slow the simulator is, and what it leaves to chance: as the real server."""

import json
import time

import pytest
from aiocoap import Message
from aiocoap.numbers.types import ACK, CON, NON, RST

from tests.system.wire import Peer
from tools.tbsim import Package, Simulator, Timing

DATA = bytes(i * 7 & 255 for i in range(150 * 1024))


@pytest.fixture
def slow():
    """A simulator just as it is, with a package for its device."""
    with Simulator() as simulator:
        simulator.add_device("golden", "TOK")
        simulator.assign(simulator.device("golden"), Package("T", "1", DATA))
        time.sleep(0.06)  # until nothing of that is under way
        yield simulator


@pytest.fixture
def device(slow):
    peer = Peer(slow.port)
    yield peer
    peer.wire.close()


def send(peer, mid, path="fw/TOK", kind=NON, **options):
    request = Message(code=1, _mtype=kind, _mid=mid, _token=mid.to_bytes(2, "big"))
    request.opt.uri_path = path.split("/")
    for name, value in options.items():
        setattr(request.opt, name, value)
    peer.wire.up(request.encode())


def windowed(peer, count, window, **options):
    """Ask for so many chunks, a few side by side; return the numbers in the order of the answers,
    and the seconds.
    """
    start, asked, answered = time.monotonic(), 0, []
    while len(answered) < count:
        while asked < count and asked - len(answered) < window:
            send(peer, asked, uri_query=["size=1024", f"chunk={asked}"])
            asked += 1
        answered.append(int.from_bytes(peer.read().token, "big"))
    return answered, time.monotonic() - start


def until_phase(part):
    """Wait for that part of a poll of 0.1 s."""
    while not part * 0.1 <= time.monotonic() % 0.1 <= part * 0.1 + 0.02:
        time.sleep(0.003)


def test_a_chunk_takes_two_polls(device):
    _, seconds = windowed(device, 20, 1)
    assert 0.04 < seconds / 20 < 0.08


def test_a_quarter_of_parallel_answers_is_overtaken(device):
    answered, seconds = windowed(device, 150, 3)
    overtaken = [n for i, n in enumerate(answered) if n < max(answered[: i + 1])]
    assert 0.12 < len(overtaken) / 150 < 0.4
    assert 35 < 150 / seconds < 70  # 52 KiB/s were measured


def test_blocks_but_the_first_come_at_once_and_in_order(device):
    start = time.monotonic()
    device.ask(1, "fw/TOK", kind=NON, block2=(0, False, 6))
    assert 0.03 < time.monotonic() - start < 0.12
    start = time.monotonic()
    for number in range(1, 9):
        send(device, number, block2=(number, False, 6))
    assert [device.read().opt.block2.block_number for _ in range(8)] == list(range(1, 9))
    assert time.monotonic() - start < 0.03


def test_an_answer_comes_with_a_poll(device):
    start = time.monotonic()
    for n in range(20):
        assert device.code("api/v1/TOK/telemetry", {"n": n}) == "2.01"
    assert 0.02 < (time.monotonic() - start) / 20 < 0.06


def test_chunks_are_refused_before_the_new_assignment_is_told(slow, device):
    slow.timing.poll, slow.switches.late = 0.1, 0.0
    device.ask(1, "api/v1/TOK/attributes", token=b"\x07", observe=0)
    until_phase(0.0)
    send(device, 0x77, uri_query=["title=T", "size=1024", "chunk=0"])
    until_phase(0.7)
    time.sleep(0.1)
    slow.assign(slow.device("golden"), Package("U", "1", DATA))
    assert device.read().code.dotted == "4.00"
    assert "fw_title" in str(device.read().payload + device.read().payload)


@pytest.mark.parametrize("update_first", [0.0, 1.0])
def test_update_and_deletion_come_in_either_order(slow, device, update_first):
    slow.switches.update_first = update_first
    device.ask(1, "api/v1/TOK/attributes", token=b"\x07", observe=0)
    slow.assign(slow.device("golden"), Package("U", "1", DATA))
    heard = [json.loads(device.read().payload), json.loads(device.read().payload)]
    assert ("fw_title" in heard[0]) == (update_first == 1.0)
    assert set(heard[update_first == 0.0]) > {"fw_title", "fw_checksum"}
    assert heard[update_first == 1.0] == {"deleted": ["fw_tag", "fw_url"]}


def test_the_end_of_a_burst_may_stay_in_the_server(quick, peer):
    quick.switches.withheld = 1.0
    for mid, changes, heard in ((1, 2, [0, 1]), (2, 5, [0])):
        peer.ask(1, "api/v1/TOK/attributes", token=bytes([mid]), observe=0)
        while (more := peer.read()) and more.opt.observe is None:
            pass
        quick.call(
            lambda n=changes: [quick.device("golden").set_shared({"n": i}) for i in range(n)]
        )
        got = []
        while more := peer.read():
            got.append(json.loads(more.payload)["n"])
        assert got == heard


def test_a_change_is_told_with_a_poll(slow, device):
    slow.timing.poll = 0.1
    device.ask(1, "api/v1/TOK/attributes", token=b"\x07", observe=0)
    start = time.monotonic()
    slow.set_shared(slow.device("golden"), n=1)
    assert json.loads(device.read().payload) == {"n": 1}
    assert 0.05 <= time.monotonic() - start < 0.3


def test_while_it_starts_it_hears_and_answers_nothing():
    timing = Timing(piggyback=0.1, start_least=1.6, start_most=1.6)
    with Simulator(timing=timing) as sim:
        sim.add_device("golden", "TOK")
        sim.assign(sim.device("golden"), Package("T", "1", DATA))
        sim.restart()
        start = time.monotonic()
        peer = Peer(sim.port)
        peer.wire.up("4000beef")
        peer.wire.expect("7000beef")
        assert peer.post("api/v1/TOK/telemetry", {"n": 1}).mtype is ACK
        send(peer, 1, block2=(0, False, 6))
        assert peer.wire.silent(0.3)
        peer.wire.socket.settimeout(0.1)
        answers, mid = [], 1
        while time.monotonic() < start + 2.5 and "2.05" not in answers:
            mid += 1
            send(peer, mid, block2=(0, False, 6))
            while more := peer.read():
                answers.append("RST" if more.mtype is RST else more.code.dotted)
                assert more.code.dotted != "2.01" or more.mtype is CON
        assert set(answers) == {"RST", "2.01", "2.05"}
        assert answers.index("RST") < answers.index("2.01") < answers.index("2.05")
        assert sim.device("golden").latest()["n"] == 1
        peer.wire.close()


def test_at_once_it_is_neither_slow_nor_unsteady(quick, peer):
    quick.restart()
    quick.assign(quick.device("golden"), Package("T", "1", DATA))
    answered, seconds = windowed(peer, 150, 3)
    assert answered == list(range(150)) and seconds < 1
