"""The rules of a roll-out, and what a board's words mean: no network, the time is told."""

import subprocess
import sys

import pytest

from tools.publish import PublishError
from tools.publish.board import Board
from tools.publish.release import kind_of
from tools.publish.rollout import Rollout, parse_limit, parse_stages
from tools.publish.subjects import Release, Target, same_version
from tools.publish.table import age, headline, shown
from tools.unixport import ROOT

RELEASE = Release("demo", "1.10", "fw", None, 102_400, "id")


def board(number=0):
    return Board(Target(str(number), f"pump-{number}", "p", "default"), RELEASE)


def report(state="", ts=0, begun=100, version="1.10", **more):
    """Return a report of a device that was assigned RELEASE at `begun`."""
    values = {"target_fw_title": (begun, "demo"), "target_fw_version": (begun, version)}
    values["target_fw_ts"] = (begun, str(begun))
    if state:
        values["fw_state"] = (ts, state)
    return values | {key: (ts, value) for key, value in more.items()}


def assigned(number=0, before=None):
    one = board(number)
    one.look(before or {})
    one.assign()
    return one


# What a board says


def test_a_state_counts_from_the_assignment_on():
    one = assigned()
    one.take(report("FAILED", ts=99, fw_error="of the past"))
    assert (one.state, one.error) == ("", "")
    one.take(report("FAILED", ts=101, fw_error="now"))
    assert (one.state, one.error) == ("FAILED", "now")


def test_a_state_of_an_earlier_assignment_of_the_same_package_does_not_count():
    one = assigned(before=report("FAILED", ts=120, begun=100))
    one.take(report("FAILED", ts=120, begun=100))  # the server has not told of the new one yet
    assert one.state == ""
    one.take(report("QUEUED", ts=200, begun=200))
    assert one.state == "QUEUED"


def test_a_state_of_another_package_does_not_count():
    one = assigned()
    one.take(report("UPDATED", ts=150, version="1.9"))
    assert one.state == ""


def test_who_had_the_package_before_we_looked_is_taken_as_it_is():
    one = board()
    one.look(report("UPDATED", ts=150))
    one.resume(report("UPDATED", ts=150))
    assert one.state == "UPDATED"


def test_the_error_of_an_earlier_failure_is_not_shown():
    one = assigned()
    one.take(report("FAILED", ts=150) | {"fw_error": (50, "of the past")})
    assert (one.state, one.error) == ("FAILED", "")


@pytest.mark.parametrize(
    "told, version, same",
    [
        ("1.1", "1.10", True),  # the server keeps what reads as a number as one
        ("2", "2.0", True),
        ("1.10.0", "1.10.0", True),
        ("1.1.0", "1.10.0", False),
        ("v1.1", "v1.10", False),
        ("", "1.1", False),
    ],
)
def test_versions_as_the_server_keeps_them(told, version, same):
    assert same_version(told, version) == same


def test_the_rate_is_that_of_the_download():
    one = assigned()
    one.take(report("UPDATED", ts=9000))
    one.time_download([(50, "DOWNLOADED"), (1000, "DOWNLOADING"), (6000, "DOWNLOADED")])
    assert one.rate == 20.0 and not one.wants_rate
    other = assigned()
    other.take(report("UPDATED", ts=9000))
    other.time_download([(9000, "UPDATED")])  # it ran the package already
    assert other.rate == 0 and not other.wants_rate


# Stages and limits


def rollout(count, **how):
    return Rollout([board(n) for n in range(count)], **how)


def begin(rollout, now_s=0.0):
    due = rollout.next_boards(now_s)
    for one in due:
        one.assign()
    return len(due)


def end(rollout, state="UPDATED", error=""):
    for one in rollout.open:
        one.state, one.error = state, error


@pytest.mark.parametrize(
    "count, sizes",
    [(1, [1]), (2, [1, 1]), (20, [1, 1, 18]), (100, [1, 9, 90]), (1000, [10, 90, 900])],
)
def test_stages_of_1_10_and_100_percent(count, sizes):
    it = rollout(count)
    begun = []
    while not it.complete:
        begun.append(begin(it))
        assert begin(it) == 0  # not before the last one of the stage has ended
        end(it)
    assert begun == sizes and it.all_updated


def test_failures_stop_at_the_limit_and_not_before():
    it = rollout(10, stages=(50, 100), limit=3)
    begin(it)
    for one in it.boards[:2]:
        one.state = "FAILED"
    assert it.stopped(0) == ""
    it.boards[2].state, it.boards[2].error = "FAILED", "no room"
    assert it.stopped(0) == "3 failed, and LIMIT is 3: pump-0: no reason told"
    assert begin(it) == 0


def test_failures_of_all_stages_count():
    it = rollout(10, stages=(10, 50, 100), limit=2)
    begin(it)
    end(it, "FAILED")
    assert begin(it) == 4
    it.boards[1].state = "FAILED"
    assert it.stopped(0)


def test_a_board_that_says_nothing_holds_the_next_stage_up():
    it = rollout(10, stages=(20, 100), stage_s=60)
    begin(it)
    it.boards[0].state = "UPDATED"
    assert begin(it, 59) == 0 and not it.stopped(59)
    assert it.stopped(61) == "not ended in 1 min: pump-1"


def test_in_the_last_stage_it_is_late_but_does_not_stop():
    it = rollout(2, stages=(90, 100), stage_s=60)  # 90 % of two boards are both
    begin(it)
    assert it.late(61) and it.stopped(61) == ""
    assert it.summary() == "0 of 2 updated, 0 failed, 2 under way"


@pytest.mark.parametrize(
    "had, stage, last",
    [(0, -1, False), (1, 0, False), (4, 0, False), (5, 1, False), (9, 1, False), (10, 2, True)],
)
def test_a_roll_out_that_goes_on_is_in_the_stage_that_it_had_reached(had, stage, last):
    boards = [board(number) for number in range(10)]
    for one in boards[:had]:
        one.assign()
    it = Rollout(boards, stages=(10, 50, 100), stage_s=60)
    assert (it.stage, it.is_last) == (stage, last)
    assert bool(it.stopped(61)) == (0 < had < 10)  # who is silent in the last stage stops nothing


def test_who_has_the_package_already_is_waited_for_first():
    it = rollout(10)
    it.boards[0].assign()
    assert begin(it) == 0
    end(it)
    assert begin(it) == 9  # the stages of 1 and 10 % are past


@pytest.mark.parametrize("text", ["", "0,100", "10", "10,10,100", "100,10", "a", "1;100", "1,101"])
def test_stages_that_are_none(text):
    with pytest.raises(PublishError, match="STAGES"):
        parse_stages(text)


@pytest.mark.parametrize(
    "text, count, limit", [("1", 20, 1), ("5%", 20, 1), ("5%", 200, 10), ("20%", 20, 4)]
)
def test_limits(text, count, limit):
    assert parse_limit(text, count) == limit


@pytest.mark.parametrize("text", ["", "0", "-1", "0%", "%", "1.5", "x", "²"])
def test_limits_that_are_none(text):
    with pytest.raises(PublishError, match="LIMIT"):
        parse_limit(text, 20)


def test_the_rules_know_no_network():
    code = "import sys, tools.publish.rollout; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# Kinds, and what is shown


def test_an_application_is_fw_but_where_fw_is_micropython():
    assert kind_of("app", ["ESP32_GENERIC", "RPI_PICO_W"]) == "fw"
    assert kind_of("app", ["ESP32_GENERIC-OTA"]) == "sw"
    assert kind_of("firmware", ["ESP32_GENERIC-OTA"]) == "fw"
    assert kind_of("app", ["a board of somebody's"]) == "fw"
    with pytest.raises(PublishError, match="for ESP32_GENERIC-OTA, which .* TYPE=fw or TYPE=sw"):
        kind_of("app", ["ESP32_GENERIC", "ESP32_GENERIC-OTA"])


def test_who_failed_is_shown_where_there_is_no_room_for_all():
    it = rollout(9, stages=(50, 100), limit=5)
    begin(it)
    it.boards[4].state, it.boards[0].state = "FAILED", "UPDATED"
    names = [one.name for one in shown(it.boards, 4)]
    assert names == ["pump-4", "pump-1", "pump-2", "pump-3"]
    assert headline(it) == (
        "demo 1.10, stage 1 of 2, 50 %: "
        "1 of 9 updated, 1 failed, 3 under way, 4 not begun (limit 5)"
    )


@pytest.mark.parametrize(
    "ms, told", [(-5, "0 s"), (59_000, "59 s"), (120_000, "2 min"), (7.2e6, "2 h"), (2e8, "2 d")]
)
def test_ages(ms, told):
    assert age(ms) == told
