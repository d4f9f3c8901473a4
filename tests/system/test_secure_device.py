"""A device over DTLS, by access token and by its certificate: what its session lives through."""

import time

import pytest

from tests.support import secure
from tests.support.secure import trusting
from tests.system.browsing import Stream
from tests.system.test_device import TOKEN, DeviceProcess, beats, check_beats, in_touch
from tools.tbsim import RPCError
from tools.tbsim.web import WebServer, page


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return secure.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def sim(sim, files):
    sim.secure(files / "server.cert.pem", files / "server.key.pem")
    return sim


@pytest.fixture(params=["token", "certificate"])
def device(request, sim, files):
    record = sim.add_device("device", TOKEN)
    if request.param == "token":
        process = DeviceProcess(sim, TOKEN, trusting(files))
    else:
        sim.set_certificate(record, (files / "device.cert.pem").read_text())
        process = DeviceProcess(sim, "", trusting(files, device="device"))
    yield from in_touch(sim, record, process)


def works(sim, device):
    try:
        return sim.rpc(device, "echo", 1, timeout=2) == {"params": 1}
    except RPCError:
        return False


def test_all_that_a_device_does(sim, device):
    sim.set_shared(device, interval=5)
    assert sim.until(lambda: device.process.shared() == {"interval": 5})
    assert sim.rpc(device, "echo", [1, {"x": None}]) == {"params": [1, {"x": None}]}
    assert sim.until(lambda: len(beats(device)) > 2)
    assert not [event for event in sim.events if event.message is None]  # all of it was CoAP


def test_the_page_names_the_device_of_each_datagram(sim, device):
    with WebServer(sim, [page.mount]) as server:
        assert sim.rpc(device, "echo", 1) == {"params": 1}
        with Stream(server) as stream:
            rows = stream.part("datagrams")["rows"]
    replied = [n for n, row in enumerate(rows) if row["up"] and row.get("path")]
    assert {row["device"] for row in rows[replied[0] :]} == {"device"}


def test_server_that_forgets_the_association(sim, device):
    before = len(beats(device))
    sim.restart()
    assert sim.until(lambda: sim.observes(device, "rpc"), 120)
    assert sim.until(lambda: works(sim, device), 20)
    assert sim.rpc(device, "stats")["opened"] == 2
    assert sim.until(lambda: len(beats(device)) >= before + 20, 30)
    check_beats(device)


def test_port_that_changes_on_the_way(sim, device):
    # There is no connection id: what comes from another port is nobody's.
    sim.link.nat.rebind()
    assert sim.until(lambda: works(sim, device) and sim.rpc(device, "stats")["opened"] == 2, 120)
    assert sim.until(lambda: len(beats(device)) > 20, 30)
    check_beats(device)


def test_lossy_link(sim, device):
    sim.link.loss_up = sim.link.loss_down = 0.1
    before = len(beats(device))
    sim.rpc(device, "reconnect")
    assert sim.until(lambda: len(beats(device)) >= before + 20, 60)
    check_beats(device)


def test_certificate_that_nobody_knows(sim, files):
    sim.add_device("device", TOKEN)
    stranger = trusting(files, device="signed_device")
    process = DeviceProcess(sim, "", stranger)
    assert sim.until(lambda: any("4.01" in str(event) for event in process.events), 20), (
        process.output
    )
    time.sleep(5)
    shown = len(sim.layer.secure.associations)
    assert process.alive() and shown <= 3  # it does not hammer
    process.stop()


def test_server_that_is_not_trusted(sim, files):
    sim.add_device("device", TOKEN)
    process = DeviceProcess(sim, TOKEN, trusting(files, "stranger"))
    assert sim.until(lambda: any("trusted CA" in str(event) for event in process.events), 20)
    assert process.alive() and not sim.events
    process.stop()
