"""A real device on the unix port against the simulator: what its session must live through."""

import json
import subprocess
import threading
import time

import pytest

from tests.support.secure import told
from tools.tbsim import RPCError
from tools.unixport import LIBRARIES, ROOT, micropython

TOKEN = "S3cretT0ken"


class DeviceProcess:
    """The device as a process; `events` is what it printed. security: over DTLS."""

    def __init__(self, sim, access_token=TOKEN, security=None, **parameters):
        script = ROOT / "tests" / "system" / "device_main.py"
        port = sim.secure_port if security else sim.port
        arguments = [str(port), access_token, json.dumps(parameters)]
        self.process = subprocess.Popen(
            [micropython(), "-X", "heapsize=192k", str(script), *arguments],
            env=told(*LIBRARIES, security=security),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.events = []
        self.output = ""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.output += line
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def shared(self):
        """The shared attributes as the device's listener was told of them."""
        state = {}
        for event in self.events:
            state.update(event.get("changed", {}))
            for name in event.get("deleted", ()):
                state.pop(name, None)
        return state

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)


def in_touch(sim, record, process):
    """Yield a device of the server whose process has registered; it has to outlive the test."""
    assert sim.until(lambda: sim.observes(record) and sim.observes(record, "rpc")), process.output
    record.process = process
    yield record
    alive, output = process.alive(), process.output
    process.stop()
    assert alive, output
    assert TOKEN not in output


@pytest.fixture
def device(sim):
    record = sim.add_device("device", TOKEN)
    yield from in_touch(sim, record, DeviceProcess(sim))


def beats(device):
    """Return the numbers of the device's records that the server got."""
    return {value for _, key, value in list(device.telemetry) if key == "beat"}


def check_beats(device):
    """No record is lost, and each has the time at which it was made."""
    numbers = beats(device)
    assert numbers == set(range(len(numbers)))
    off = [ts - made for ts, key, made in list(device.telemetry) if key == "made"]
    assert max(off) - min(off) < 1500  # the server tells the time in seconds


def test_an_idle_device_registers_no_more_than_it_has_to(sim, device):
    time.sleep(3)  # what the start brings
    before = len(sim.events)
    time.sleep(8)
    paths = [event.path[-1] for event in sim.events[before:] if event.is_request and event.path]
    assert set(paths) <= {"telemetry", "attributes", "rpc", "t"}
    # One of both after the start, and a sign of life, which comes at any moment of its period.
    assert paths.count("rpc") <= 2 and paths.count("attributes") <= 1, paths


def test_attributes_and_commands(sim, device):
    sim.set_shared(device, interval=5, mode="eco")
    sim.delete_shared(device, "mode")
    assert sim.until(lambda: device.process.shared() == {"interval": 5})
    assert sim.rpc(device, "echo", [1, {"x": None}]) == {"params": [1, {"x": None}]}
    assert sim.rpc(device, "unknown") == {"error": "no such method"}
    assert sim.until(lambda: len(beats(device)) > 2)


def test_commands_do_not_wait_for_each_other(sim, device):
    answers = []
    waits = threading.Thread(target=lambda: answers.append(sim.rpc(device, "wait", "a")))
    waits.start()
    assert sim.until(lambda: {"waits": "a"} in device.process.events)
    assert sim.rpc(device, "echo", 1) == {"params": 1}
    assert answers == []
    sim.rpc(device, "release")
    waits.join()
    assert answers == [{"waited": "a"}]


def test_a_burst_of_changes_ends_in_the_right_state(sim, device):
    sim.link.delay_ms = 20
    sim.switches.withheld = 0.0  # no device can notice that
    for n in range(30):
        sim.set_shared(device, **{f"key{n % 7}": n})
    sim.delete_shared(device, "key3")
    assert sim.until(lambda: device.process.shared() == device.shared_attributes)


def test_a_change_that_overtakes_the_full_state_is_not_taken_for_it(sim):
    record = sim.add_device("device", TOKEN)
    sim.set_shared(record, interval=5, mode="eco")
    sim.link.loss_down = 1.0
    process = DeviceProcess(sim)
    assert sim.until(lambda: sim.observes(record)), process.output
    sim.link.loss_down = 0.0  # the answer to the registration was lost, and comes again later
    sim.set_shared(record, mode="full")
    assert sim.until(lambda: process.shared() == {"interval": 5, "mode": "full"}), process.output
    process.stop()


def test_persistent_command_for_a_device_that_is_away(sim):
    record = sim.add_device("device", TOKEN)
    rpc = sim.persistent_rpc(record, "echo", "later")
    assert rpc.status == "QUEUED"
    process = DeviceProcess(sim)
    assert sim.until(lambda: rpc.done), process.output
    assert rpc.response == {"params": "later"}
    assert rpc.history == ["QUEUED", "SENT", "DELIVERED", "SUCCESSFUL"]
    process.stop()


def test_server_restart(sim, device):
    before = len(beats(device))
    sim.stop_answering()
    time.sleep(4)
    sim.restart()
    sim.answer_again()
    sim.set_shared(device, after="restart")
    assert sim.until(lambda: device.process.shared().get("after") == "restart", 30)
    assert sim.until(lambda: sim.observes(device, "rpc"), 30)
    assert sim.rpc(device, "echo", 2) == {"params": 2}
    assert sim.until(lambda: len(beats(device)) >= before + 8)  # those of the outage, too
    check_beats(device)


def test_a_new_source_port(sim, device):
    # As after a change of network: the server's observations point to the old one.
    sim.rpc(device, "reconnect")
    assert sim.until(lambda: works(sim, device), 20)
    assert sim.rpc(device, "stats")["opened"] == 2
    sim.set_shared(device, seen=True)
    assert sim.until(lambda: device.process.shared().get("seen"))


def test_replaced_observation(sim, device):
    sim.close_observations(device)
    assert sim.until(lambda: sim.observes(device) and sim.observes(device, "rpc"))
    sim.set_shared(device, again=1)
    assert sim.until(lambda: device.process.shared().get("again") == 1)


def test_wrong_token_is_reported_and_not_hammered(sim):
    process = DeviceProcess(sim, "wrong-token")
    assert sim.until(lambda: any("4.01" in event.get("log", "") for event in process.events))
    time.sleep(5)
    asked = [e for e in sim.events if e.up and e.path]
    assert len(asked) <= 4  # attributes, rpc and telemetry once, and the clock
    assert process.alive()
    process.stop()
    assert "wrong-token" not in process.output


def test_a_refused_record_does_not_hold_up_the_others(sim, device):
    sim.rpc(device, "record", {"first": 0, "count": 10})
    sim.rpc(device, "poison")
    sim.rpc(device, "record", {"first": 10, "count": 10})
    points = lambda: {v for _, key, v in device.telemetry if key == "n"}  # noqa: E731
    assert sim.until(lambda: points() == set(range(20)))
    assert sim.rpc(device, "stats")["refused"] == 1


def test_rate_limit(sim, device):
    sim.switches.rate_limited = 3
    before = len(beats(device))
    assert sim.until(lambda: len(beats(device)) >= before + 6, 20)
    check_beats(device)


def test_loss_of_a_fifth_each_way(sim, device):
    sim.link.loss_up = sim.link.loss_down = 0.2
    # As many as fit the queue beside the beats of half a minute.
    for first in range(0, 100, 50):
        assert sim.until(lambda f=first: queue(sim, device, f), 60)
    sent = set(range(100))
    assert sim.until(lambda: {v for _, k, v in device.telemetry if k == "n"} == sent, 90)
    stamps = {ts for ts, key, _ in device.telemetry if key == "n"}
    assert stamps == {1790000000000 + n for n in range(100)}


def works(sim, device):
    try:
        return sim.rpc(device, "echo", timeout=1) == {"params": None}
    except RPCError:
        return False


def queue(sim, device, first):
    # Recording the same again is harmless: same key and time.
    try:
        return sim.rpc(device, "record", {"first": first, "count": 50}, timeout=15)
    except RPCError:
        return False


def test_simulator_without_anybody(sim):
    record = sim.add_device("device", TOKEN)
    with pytest.raises(RPCError):
        sim.rpc(record, "echo")


@pytest.mark.parametrize("piggyback", [False, True])
def test_both_piggyback_styles(sim, piggyback):
    sim.switches.piggyback_typed = piggyback
    record = sim.add_device("device", TOKEN)
    process = DeviceProcess(sim)
    assert sim.until(lambda: sim.observes(record, "rpc"))
    assert sim.rpc(record, "echo", 1) == {"params": 1}
    assert sim.until(lambda: len(beats(record)) > 2)
    process.stop()


def test_slow_back_end(sim, device):
    sim.switches.backend_delay = 0.8  # empty ACK first, separate response later
    assert sim.rpc(device, "echo", 1) == {"params": 1}
    before = len(beats(device))
    assert sim.until(lambda: len(beats(device)) > before + 3)
