"""The real updater on the unix port, against the simulator's /sw, into folders of the host."""

import json

import pytest

from tests.support.updated import RESET, UpdatedBoard, package
from tools.package import keys
from tools.tbsim import Package, Simulator


@pytest.fixture
def board(sim, tmp_path, key):
    return UpdatedBoard(sim, tmp_path, key)


def test_an_update_from_assignment_to_confirmation(sim, board, key):
    sim.assign(board.device, package(key))
    code, output = board.start()
    assert code == RESET, output
    assert board.states() == [
        *("QUEUED", "INITIATED", "DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING")
    ]
    state = lambda: json.loads((board.folder / "trial.state").read_bytes()[:-4])  # noqa: E731
    code, output = board.start(until=lambda: not state()["app"].get("on_trial"))
    assert "runs ('app', '1.1')" in output and board.states()[-1] == "UPDATED", output
    assert board.device.latest()["current_sw_version"] == 1.1  # the server makes it a number
    assert not state()["app"].get("on_trial") and state()["app"]["floor"] == 2
    assert (board.folder / "slot_a" / "m11.py").read_bytes() == bytes([11]) * 7701


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_over_a_bad_link(sim, board, key, loss):
    sim.assign(board.device, package(key))
    sim.link.loss_up = sim.link.loss_down = loss
    sim.link.delay_ms = 10
    code, output = board.start(timeout=60)
    assert code == RESET, output


def test_two_datagrams_a_block(key, tmp_path):
    for n in range(3):  # a machine that pauses adds repetitions: one run without is enough
        folder = tmp_path / str(n)
        folder.mkdir()
        assigned = package(key)
        blocks = -(-len(assigned.data) // 1024)
        with Simulator() as sim:
            board = UpdatedBoard(sim, folder, key)
            sim.assign(board.device, assigned)
            board.start()
            asked = [e for e in sim.events if e.up and e.path[:1] == ("sw",)]
        if len(asked) == blocks:
            break
    assert len(asked) == len(assigned.served) == blocks


def test_resumes_after_a_power_cut(sim, board, key):
    assigned = package(key)
    sim.assign(board.device, assigned)
    sim.link.delay_ms = 30
    half = len(assigned.data) // 2
    code, _ = board.start(until=lambda: sum(n for _, _, n in assigned.served) > half)
    assert code is None
    code, output = board.start()
    assert code == RESET, output
    twice = sum(n for _, _, n in assigned.served) - len(assigned.data)
    assert 0 < twice <= 8 * 1024


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"boards": ["OTHER"]}, "this board is UNIX"),
        ({"kind": "app", "title": "another"}, "was assigned"),
    ],
)
def test_refusals_change_nothing(sim, board, key, how, reason):
    sim.assign(board.device, package(key, **how))
    code, output = board.start(until=lambda: "FAILED" in board.states(), timeout=10)
    assert code is None and reason in board.errors()[-1], (board.errors(), output)
    assert not (board.folder / "slot_a").exists() and not (board.folder / "slot_b").exists()


def test_another_key(sim, board, tmp_path):
    other = keys.create(tmp_path / "other.pem")
    sim.assign(board.device, package(other))
    board.start(until=lambda: "FAILED" in board.states(), timeout=10)
    assert board.states()[-1] == "FAILED" and "key" in board.errors()[-1]
    assert not (board.folder / "slot_a").exists()


def test_what_was_refused_is_not_tried_again(sim, board, key):
    wrong = package(key, boards=["OTHER"])
    sim.assign(board.device, wrong)
    asked = []

    def enough():
        if "FAILED" in board.states() and not asked:
            asked.append(len(wrong.served))
            sim.set_shared(board.device, unrelated=1)
            sim.assign(board.device, package(key))
        return False

    code, output = board.start(until=enough)
    assert code == RESET, output
    assert len(wrong.served) == asked[0]


def test_a_wrong_checksum(sim, board, key):
    assigned = package(key)
    sim.assign(board.device, assigned)
    sim.set_shared(board.device, sw_checksum="ab" * 32)
    board.start(until=lambda: "FAILED" in board.states(), timeout=10)
    assert "checksum" in board.errors()[-1]
    assert "VERIFIED" not in board.states()


def test_a_prefix_without_a_slot(sim, board, key):
    sim.assign(board.device, Package("app", "1.1", b"x" * 100, kind="fw"))
    board.start(
        until=lambda: any(k == "fw_error" for _, k, _ in board.device.telemetry), timeout=10
    )
    errors = [value for _, k, value in board.device.telemetry if k == "fw_error"]
    assert errors == ["this board takes no fw"]


def test_the_same_version_is_nothing_to_do(sim, board, key):
    assigned = package(key)
    sim.assign(board.device, assigned)
    board.start()
    board.start(until=lambda: "UPDATED" in board.states())
    served = len(assigned.served)
    sim.set_shared(board.device, sw_tag="touched")
    board.start(until=lambda: False, timeout=3)
    assert len(assigned.served) == served


def test_rate_limit_keeps_the_progress(sim, board, key):
    assigned = package(key)
    sim.assign(board.device, assigned)
    sim.link.delay_ms = 10
    limited = []

    def limit():
        if len(assigned.served) > 10 and not limited:
            limited.append(True)
            sim.switches.rate_limited = 3
        return False

    code, output = board.start(until=limit, timeout=30)
    assert code == RESET, output
    assert sum(n for _, _, n in assigned.served) <= len(assigned.data) + 8 * 1024
