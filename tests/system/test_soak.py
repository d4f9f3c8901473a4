"""The books of a soak are honest, and a short soak of the firmware is well."""

from collections import Counter

import pytest

from tools.soak.faults import FAULTS
from tools.soak.ledger import NO_REASON, OUTBOX_FULL, POWER_CUT, Ledger
from tools.soak.scene import UPDATE, Scene
from tools.soak.soak import result, settle

SEED = 7
KEPT = "kept"


def books(*happened) -> Ledger:
    """Return books of numbers that were measured and, as texts, why lives ended.

    (number, lost) is a reading with the count of the outbox, KEPT says that all are written.
    """
    ledger = Ledger()
    for what in happened:
        if what is KEPT:
            ledger.kept()
        elif isinstance(what, str):
            ledger.ended(what)
        elif isinstance(what, tuple):
            ledger.read(*what)
        else:
            ledger.read(what, 0)
    return ledger


def stored(*numbers):
    return [(1000 + n, n) for n in numbers]


@pytest.mark.parametrize(
    ("happened", "arrived", "lost"),
    [
        ((1, 2, 3), (1, 2, 3), {}),
        ((1, 2, 3), (1, 3), {NO_REASON: 1}),
        ((1, 2, 3), (1, 2), {NO_REASON: 1}),
        ((1, 2, 3, POWER_CUT, 4), (1, 4), {POWER_CUT: 2}),
        ((1, KEPT, 2, 3, POWER_CUT, 4), (1, 4), {POWER_CUT: 2}),
        ((1, 2, KEPT, 3, POWER_CUT, 4), (1, 4), {POWER_CUT: 1, NO_REASON: 1}),
        ((1, 2, 3, KEPT, POWER_CUT, 4), (2, 4), {NO_REASON: 2}),
        ((1, 2, 3, UPDATE, 4), (1, 4), {NO_REASON: 2}),
        # What is kept over a restart no later power cut takes.
        ((1, 2, UPDATE, 3, POWER_CUT, 4), (1, 4), {NO_REASON: 1, POWER_CUT: 1}),
        ((1, 2, (3, 1)), (2, 3), {OUTBOX_FULL: 1}),
        ((1, 2, (3, 1)), (3,), {OUTBOX_FULL: 1, NO_REASON: 1}),
        # An outbox drops what it was given before, not what comes after its life.
        (((1, 1), UPDATE, 2, 3), (1, 3), {NO_REASON: 1}),
        ((1, 2, UPDATE, (3, 2)), (3,), {OUTBOX_FULL: 2}),
        (((1, 0), (2, 1), UPDATE, 3, (4, 1)), (2, 4), {OUTBOX_FULL: 2}),
    ],
)
def test_what_became_of_the_readings(happened, arrived, lost):
    records = books(*happened).records(stored(*arrived))
    assert +records.lost == Counter(lost)
    assert records.stored == len(arrived)
    assert records.measured == records.stored + sum(lost.values())


def test_a_record_that_came_twice():
    records = books(1, 2).records([(5, 1), (5, 1), (6, 2), (7, 2), (8, 3)])
    assert (records.stored, records.again, records.twice, records.strange) == (2, 1, 1, 1)


def test_what_became_of_the_commands():
    ledger = Ledger()
    ledger.sent += [0, 1, 2, 3, 4]
    ledger.runs.update([0, 1, 1, 2])
    ledger.replies.update({0: 0, 2: 1, 3: 3})
    commands = ledger.commands()
    assert (commands.sent, commands.run, commands.answered, commands.unheard) == (5, 3, 3, 1)
    assert commands.twice == [1]
    assert commands.false == [2, 3]  # answered with another's reply, and without having run


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path / "soak", SEED, heap="240k") as scene:  # the books are tried, not memory
        scene.board.start()
        scene.board.wait(scene.stored, 30, "a first record")
        yield scene


def test_a_server_that_loses_a_record_is_found_out(scene):
    scene.sim.call(scene.device.telemetry.clear)
    scene.live(3)
    settle(scene, patience_s=10)
    found = result(scene, SEED, 0.1, Counter()).faults_found()
    assert any("lost without a reason" in text for text in found), found


def test_a_command_that_runs_twice_is_found_out(scene):
    assert scene.sim.until(lambda: scene.sim.observes(scene.device, "rpc"), 20)
    scene.command()
    scene.sim.rpc(scene.device, "work", {"n": 0})
    settle(scene)
    found = result(scene, SEED, 0.1, Counter()).faults_found()
    assert found == ["commands run twice: [0]"]


def test_each_fault_by_itself(scene):
    for name, fault in FAULTS.items():
        with fault(scene):
            scene.live(1.5)
        scene.live(0.5)
        assert scene.board.running or scene.board.ends[-1].cause == "cut", name
    settle(scene)
    scene.board.cut_power()
    scene.command()  # nobody hears it, and who is there later has another address
    scene.keep_on()
    assert scene.sim.until(lambda: scene.sim.observes(scene.device, "rpc"), 60)
    scene.command()
    found = result(scene, SEED, 1, Counter(FAULTS))
    assert found.faults_found() == []
    assert found.commands.unheard and found.records.measured > 10
