# What requests tell a session about the link.

from coap import ResponseError
from coap.message import Message
from fakes import Client, raised, run
from thingsboard.session import Session


def session(*answers, log=None):
    client = Client(*answers)
    reconnects = []
    client.reconnect = lambda: reconnects.append(it.silences)
    it = Session(client, None, log)
    it.schedule = Noted()
    return it, client, reconnects


class Noted:
    """In the place of a Schedule: counts how often a registration was asked for."""

    recoveries = 0

    def register_soon(self):
        self.recoveries += 1


def ask(it):
    return it.watch(it.client.request(1, ("a",)))


def test_an_answer_after_silence_is_a_recovery():
    it, client, _ = session(OSError(110), OSError(110))
    for n in (1, 2):
        assert raised(OSError, ask, it) and it.silences == n
    run(ask(it))
    assert it.silences == 0 and it.schedule.recoveries == 1
    run(ask(it))
    assert it.schedule.recoveries == 1


def test_an_answer_after_a_repetition_is_a_recovery():
    def late(payload):
        client.endpoint.retransmissions += 1
        return Message(0x41)

    it, client, _ = session(late)
    run(ask(it))
    run(ask(it))
    assert it.schedule.recoveries == 1


def test_each_three_silences_in_a_row_take_a_new_source_port():
    it, client, reconnects = session(*[OSError(110)] * 7)
    for _ in range(7):
        assert raised(OSError, ask, it)
    assert reconnects == [3, 6]
    run(ask(it))
    client.answers += [OSError(110)] * 3
    for _ in range(3):
        assert raised(OSError, ask, it)
    assert reconnects == [3, 6, 3]


def test_a_new_source_port_that_cannot_be_had_is_reported():
    def fail():
        raise OSError(113)

    log = []
    it, client, _ = session(*[OSError(110)] * 3, log=log.append)
    client.reconnect = fail
    for _ in range(3):
        error = raised(OSError, ask, it)
    assert error.args[0] == 110 and len(log) == 1 and "113" in log[0]


def test_a_problem_is_logged_once():
    log = []
    it, _, _ = session(log=log.append)
    for _ in range(3):
        it.report("telemetry", ResponseError(Message(0x81)))
    it.report("telemetry", OSError(110))
    assert len(log) == 2 and log[0] == "telemetry: ResponseError 4.01"
    assert it.problem == log[1] and "telemetry: OSError" in it.problem
    it.problem = None  # all is well again
    it.report("telemetry", OSError(110))
    assert len(log) == 3


def test_without_a_log_the_problem_is_kept():
    it, _, _ = session()
    it.report("rpc", ValueError("x"))
    assert it.problem == "rpc: ValueError x"
