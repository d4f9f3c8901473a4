# What requests tell about the link.

from coap import ResponseError
from coap.message import Message
from thingsboard.link import Link


def test_an_answer_after_silence_is_a_recovery():
    it = Link()
    for n in (1, 2):
        it.unanswered()
        assert it.silences == n
    assert it.answered(False) and it.silences == 0
    assert not it.answered(False)


def test_an_answer_after_a_repetition_is_a_recovery():
    it = Link()
    assert it.answered(True) and not it.answered(False)


def test_each_three_silences_in_a_row_ask_for_a_new_source_port():
    it = Link()
    asked = [it.unanswered() for _ in range(7)]
    assert asked == [False, False, True, False, False, True, False]
    assert it.answered(False)
    assert [it.unanswered() for _ in range(3)] == [False, False, True]


def test_a_problem_is_logged_once():
    log = []
    it = Link(log.append)
    for _ in range(3):
        it.report("telemetry", ResponseError(Message(0x81)))
    it.report("telemetry", OSError(110))
    assert len(log) == 2 and log[0] == "telemetry: ResponseError 4.01"
    assert it.problem == log[1] and "telemetry: OSError" in it.problem
    it.problem = None  # all is well again
    it.report("telemetry", OSError(110))
    assert len(log) == 3


def test_without_a_log_the_problem_is_kept():
    it = Link()
    it.report("rpc", ValueError("x"))
    assert it.problem == "rpc: ValueError x"
