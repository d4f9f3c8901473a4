"""libcoap's client downloads a package from tbsim, whole by Block2 or chunk by chunk."""

import random

import pytest

from tests.interop.peers import coap_client
from tools.tbsim import Package, Simulator

TOKEN = "A1_TEST_TOKEN"
DATA = random.Random(1).randbytes(128 << 10)
# The server answers /fw by an empty ACK and a CON of its own. libcoap 4.3.1 forgets a CON request
# with its ACK and, unless that request observed, then drops block 0 without asking for the next
# (libcoap's pull request 1440). So Observe 0, as an option: -s would also wait for its seconds.
CON = ("-O", "6,")
NON = ("-N",)
# coap-client ends with 0 when its time is over, whatever it has by then: only the bytes tell.
WAIT_S = 50


@pytest.fixture
def sim():
    with Simulator(seed=3) as simulator:
        simulator.assign(simulator.add_device("pump", TOKEN), Package("app", "1.1", DATA))
        yield simulator


def download(sim, file, *options: str, query: str = "") -> bytes:
    url = f"coap://127.0.0.1:{sim.port}/fw/{TOKEN}?title=app&version=1.1{query}"
    run = coap_client("-B", str(WAIT_S), *options, "-o", str(file), url)
    assert run.returncode == 0 and run.stderr == ""
    return file.read_bytes()


def starts(sim) -> list[int]:
    """Where the parts of the package start that the server sent."""
    return [start for _, start, _ in sim.device("pump").packages["fw"].served]


@pytest.mark.parametrize("kind", [CON, NON], ids=["con", "non"])
@pytest.mark.parametrize("block_size", [None, 1024, 256])
def test_whole(sim, kind, block_size, tmp_path):
    size = ("-b", str(block_size)) if block_size else ()
    assert download(sim, tmp_path / "app", *kind, *size) == DATA
    blocks = range(0, len(DATA), block_size or 1024)
    # After its end the client may cancel the observation, which gets it block 0 once more.
    assert starts(sim)[: len(blocks)] == list(blocks)


def test_whole_over_a_lossy_link(sim, tmp_path):
    sim.link.loss_up = sim.link.loss_down = 0.01
    assert download(sim, tmp_path / "app", *CON) == DATA
    assert sim.link.counts["dropped_up"] and sim.link.counts["dropped_down"]


def test_chunks(sim, tmp_path):
    parts = [
        download(sim, tmp_path / f"{chunk}", query=f"&size=1024&chunk={chunk}")
        for chunk in range(len(DATA) // 1024)
    ]
    assert b"".join(parts) == DATA
