from types import SimpleNamespace

import pytest

from tests.system.wire import Peer, Wire
from tools.tbsim import Simulator, Timing


@pytest.fixture
def sim():
    """A simulator with the server's own timers and the device of the golden datagrams."""
    with Simulator() as simulator:
        simulator.add_device("golden", "TOK")
        yield simulator


@pytest.fixture
def quick():
    """The same with all timers ten times as fast, answers at once and nothing left to chance."""
    timing = Timing(piggyback=0.05, ack_timeout=0.2, rpc_ack=1.0)
    with Simulator(timing=timing, at_once=True) as simulator:
        simulator.add_device("golden", "TOK")
        yield simulator


@pytest.fixture
def wire(sim):
    wire = Wire(sim.port)
    yield wire
    wire.close()


@pytest.fixture
def peer(quick):
    peer = Peer(quick.port)
    peer.wire.socket.settimeout(0.5)
    yield peer
    peer.wire.close()


@pytest.fixture
def clock():
    """Return a clock of our own: `now`, in seconds."""
    return SimpleNamespace(now=1000.0)
