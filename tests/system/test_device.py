"""A real device on the unix port against the simulator: what its session must live through."""

import json
import subprocess
import threading
import time

import pytest

from tools.tbsim import RPCError, Simulator
from tools.unixport import LIBRARIES, ROOT, environment, micropython

TOKEN = "S3cretT0ken"


class DeviceProcess:
    """The device as a process; `events` is what it printed."""

    def __init__(self, sim, access_token=TOKEN, **parameters):
        script = ROOT / "tests" / "system" / "device_main.py"
        arguments = [str(sim.port), access_token, json.dumps(parameters)]
        self.process = subprocess.Popen(
            [micropython(), "-X", "heapsize=160k", str(script), *arguments],
            env=environment(*LIBRARIES),
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


@pytest.fixture
def device(sim):
    record = sim.add_device("device", TOKEN)
    process = DeviceProcess(sim)
    assert sim.until(lambda: sim.observes(record) and sim.observes(record, "rpc")), process.output
    record.process = process
    yield record
    alive, output = process.alive(), process.output
    process.stop()
    assert alive, output
    assert TOKEN not in output


def beats(device):
    return [point for point in device.telemetry if point[1] == "beat"]


def test_attributes_and_commands(sim, device):
    sim.set_shared(device, interval=5, mode="eco")
    sim.delete_shared(device, "mode")
    assert sim.until(lambda: device.process.shared() == {"interval": 5})
    assert sim.rpc(device, "echo", [1, {"x": None}]) == {"params": [1, {"x": None}]}
    assert sim.rpc(device, "unknown") == {"error": "no such method"}
    assert sim.until(lambda: len(beats(device)) > 2)


def test_commands_do_not_wait_for_each_other(sim, device):
    answers = []
    slow = threading.Thread(target=lambda: answers.append(sim.rpc(device, "slow", 1500)))
    slow.start()
    time.sleep(0.2)
    start = time.monotonic()
    assert sim.rpc(device, "echo", 1) == {"params": 1}
    assert time.monotonic() - start < 1
    slow.join()
    assert answers == [{"slept": 1500}]


def test_a_burst_of_changes_ends_in_the_right_state(sim, device):
    sim.link.delay_ms = 20
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
    back = time.monotonic()
    sim.set_shared(device, after="restart")
    assert sim.until(lambda: device.process.shared().get("after") == "restart", 30)
    assert sim.until(lambda: sim.observes(device, "rpc"), 30)
    assert sim.rpc(device, "echo", 2) == {"params": 2}
    assert time.monotonic() - back < 30
    # The records of the outage have arrived, each with its own time.
    assert sim.until(lambda: len(beats(device)) >= before + 8)
    times = [ts for ts, _, _ in beats(device)]
    assert max(b - a for a, b in zip(sorted(times), sorted(times)[1:])) < 1500


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
    time.sleep(6)
    logs = [event["log"] for event in process.events if "log" in event]
    assert any("4.01" in log for log in logs)
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
    times = sorted(ts for ts, _, _ in beats(device))
    assert max(b - a for a, b in zip(times, times[1:])) < 1500


def test_loss_of_a_fifth_each_way(sim, device):
    sim.link.loss_up = sim.link.loss_down = 0.2
    for first in range(0, 200, 50):
        assert sim.until(lambda f=first: queue(sim, device, f), 60)
    sent = set(range(200))
    assert sim.until(lambda: {v for _, k, v in device.telemetry if k == "n"} == sent, 90)
    stamps = {ts for ts, key, _ in device.telemetry if key == "n"}
    assert stamps == {1790000000000 + n for n in range(200)}


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


def test_both_piggyback_styles():
    for piggyback in (False, True):
        with Simulator() as sim:
            sim.switches.piggyback_typed = piggyback
            record = sim.add_device("device", TOKEN)
            process = DeviceProcess(sim)
            assert sim.until(lambda s=sim, r=record: s.observes(r, "rpc"))
            assert sim.rpc(record, "echo", 1) == {"params": 1}
            assert sim.until(lambda r=record: len(beats(r)) > 2)
            process.stop()


def test_slow_back_end(sim, device):
    sim.switches.backend_delay = 0.8  # empty ACK first, separate response later
    assert sim.rpc(device, "echo", 1) == {"params": 1}
    before = len(beats(device))
    assert sim.until(lambda: len(beats(device)) > before + 3)
