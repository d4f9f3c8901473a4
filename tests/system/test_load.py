"""The load generator: our own code as a fleet, what it counts, and what it refuses."""

import asyncio
import resource
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tools.load import figures, plan
from tools.load.__main__ import app
from tools.load.client import LoopClient
from tools.load.life import Life
from tools.load.plan import Plan, PlanError, allow_files
from tools.load.run import run
from tools.load.server import Restart, Stored, stored
from tools.tbsim import Simulator

FLEET = Plan(
    devices=200,
    seconds=7,
    period=1,
    keepalive=1,  # so that within two seconds both observations are registered again
    ramp=1,
    processes=2,
    outage=1,
    drain=15,
    core=(0.5, 0.5),
)


def test_a_fleet_lives_through_a_restart_of_the_server():
    result = run(FLEET)
    records = result["records"]
    assert 200 * 5 < records["made"] <= 200 * 8
    assert records["accepted"] == records["made"] == result["server"]["stored"]
    assert records["waiting"] == records["dropped"] == records["refused"] == 0
    assert result["server"]["lost"] == result["server"]["stored_twice"] == 0
    assert result["faults"] == 0, result["last_fault"]
    assert 20 <= result["latency_ms"]["p50"] < result["latency_ms"]["p99"]
    # A report and its answer take 3 datagrams and some 100 bytes, a registration as much.
    wire = result["wire"]
    assert (
        20 * wire["datagrams_per_hour"] < wire["bytes_per_hour"] < 80 * wire["datagrams_per_hour"]
    )
    assert wire["datagrams_per_hour"] > 3 * 2 * 3600  # a record and a sign of life each second
    restart = result["restart"]
    assert restart["registered_again"] == 200
    # A busy PC takes longer.
    assert 1 <= restart["outage_s"] < 3 and 0.5 <= restart["core_s"] < 2
    assert restart["registered_again_s"]["first"] > 0.4  # the core answers nothing before
    assert sum(restart["registrations_each_s"]) >= 2 * 200
    assert sum(restart["datagrams_each_s"]) > sum(restart["registrations_each_s"])


def test_a_device_without_a_record_to_make_is_in_touch_to_the_end():
    quiet = replace(FLEET, devices=5, seconds=3, period=3600, ramp=0, processes=1, outage=0)
    result = run(quiet)
    assert result["records"]["made"] <= 1
    assert result["registrations"] >= 5 * (2 + 2)  # at the start, and two signs of life


def test_a_client_goes_on_from_another_port_and_leaves_nothing_behind():
    asked, answered = [], []

    async def talk(port):
        loop = asyncio.get_running_loop()
        client = LoopClient(("127.0.0.1", port), asked.append, answered.append)
        await client.post("api/v1/TOKEN/telemetry", b'{"n":1}')
        first = client.transport.pollable
        client.reconnect()
        while client.transport.pollable is first:
            await asyncio.sleep(0)
        await client.post("api/v1/TOKEN/telemetry", b'{"n":2}')
        observation = client.observe("api/v1/TOKEN/attributes")
        await anext(observation)
        number = client.transport.pollable.fileno()
        client.close()
        assert not loop.remove_reader(number)
        with pytest.raises(OSError):
            await client.ping()
        assert client.link_errors == 0

    with Simulator(at_once=True) as sim:
        device = sim.add_device("pump", "TOKEN")
        asyncio.run(talk(sim.port))
        assert [point.value for point in device.telemetry] == [1, 2]
    assert asked == answered == ["attributes"]


def test_what_was_stored_again_is_told_from_what_was_stored_twice():
    assert stored([(10, 1), (20, 2), (20, 2), (30, 3), (31, 3)]) == Stored(3, again=1, twice=1)


def life(**values) -> Life:
    return Life("T", **values)


def test_a_record_that_was_accepted_and_is_not_stored_is_lost():
    lives = [life(accepted=5)]
    assert figures.of_server(lives, {"T": Stored(4, 0, 0)})["lost"] == 1
    assert figures.of_server(lives, {"T": Stored(6, 0, 0)})["lost"] == 0  # its 2.01 was lost


def test_the_return_of_a_fleet_is_counted_from_when_the_server_heard():
    restart = Restart(stopped=110.0, heard=120.0, ready=124.0)
    back = life(
        asked=[(105.0, "rpc"), (121.5, "rpc"), (123.0, "attributes")],
        answered=[(105.1, "rpc"), (124.5, "rpc"), (126.0, "attributes"), (150.0, "rpc")],
        latencies=[(108.0, 108.1), (109.9, 125.9), (145.0, 145.3)],
    )
    half = life(answered=[(121.0, "rpc")])
    heard = {1190: 9, 1200: 2, 1215: 3}
    got = figures.of_restart([back, half], restart, heard, 100.0, replace(FLEET, ramp=0))
    assert got["registered_again"] == 1
    assert got["registered_again_s"] == {"first": 6, "p50": 6, "p99": 6, "last": 6}
    assert got["registrations_each_s"] == [0, 1, 0, 1]
    assert got["datagrams_each_s"] == [2, 3]
    assert got["calm_registrations_per_s"] == 0.1
    assert got["latency_ms"] == {"p50": 300, "p99": 300, "max": 300}
    assert got["latency_outage_ms"] == {"p50": 16000, "p99": 16000, "max": 16000}


def test_the_processes_share_all_devices():
    shares = plan.shares(10, 3)
    assert sorted(number for share in shares for number in share) == list(range(10))
    assert len({plan.token(number) for number in range(10)}) == 10


def limited(monkeypatch, soft, hard):
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: limits.append(both))
    return limits


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(monkeypatch):
    limits = limited(monkeypatch, 100, 4096)
    allow_files(replace(FLEET, devices=1001, processes=2))
    assert limits[-1] == (501 + 64, 4096)
    allow_files(FLEET)
    assert len(limits) == 2  # it was enough


def test_too_few_open_files_are_told_before_anything_begins(monkeypatch):
    limits = limited(monkeypatch, 256, 512)
    with pytest.raises(PlanError) as told:
        run(replace(FLEET, devices=1000))
    text = str(told.value)
    assert text.startswith("1000 devices in 2 processes need 564 open files each, and 512 are")
    assert "ulimit -Hn" in text and "\n" not in text and len(limits) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "localhost"], "belong together"),
        (["--tokens", "tokens.txt"], "belong together"),
        (["--server", "localhost", "--tokens", "none.txt"], "none.txt: No such file"),
        (["--server", "localhost", "--tokens", "."], "Is a directory"),
        (["--server", "localhost", "--tokens", "binary"], "it is no text"),
        (
            ["--server", "localhost", "--tokens", "tokens.txt"],
            "3 devices are wanted, and it has 2",
        ),
        (["--server", "localhost:x", "--tokens", "tokens.txt"], "host or host:port"),
        (["--server", "localhost:0", "--tokens", "tokens.txt"], "host or host:port"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens.txt").write_text("SECRET1\nSECRET2\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    got = CliRunner().invoke(app, ["--devices", "3", *arguments])
    assert got.exit_code == 1 and words in got.output and got.output.count("\n") == 1
    assert "SECRET" not in got.output
