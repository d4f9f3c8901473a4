"""A simulator with its page, and a device whose access token is a secret."""

import pytest

from tests.system.wire import Peer
from tools.tbsim import Simulator
from tools.tbsim.web import WebServer, page

SECRET = "SESAME-token-of-the-pump"


@pytest.fixture
def sim():
    with Simulator(at_once=True) as sim:
        sim.add_device("pump", SECRET)
        yield sim


@pytest.fixture
def pump(sim):
    return sim.device("pump")


@pytest.fixture
def server(sim):
    with WebServer(sim, [page.mount]) as server:
        yield server


@pytest.fixture
def peer(sim):
    peer = Peer(sim.port)
    yield peer
    peer.wire.close()
