# What requests tell a session about the link.

import asyncio
import errno

from coap import ResponseError
from coap.message import Message
from fakes import Board, Client, raised, run
from rows import rows
from thingsboard.clock import Clock
from thingsboard.session import Session


def session(*answers, log=None, board=None):
    board = board or Board()
    client = Client(*answers)
    reconnects = []
    client.reconnect = lambda: reconnects.append(it.silences)
    it = Session(client, Clock(board), log)
    it.schedule = Noted()
    return it, client, reconnects


class Noted:
    """In the place of a Schedule: notes within how many ms each registration is to come."""

    def __init__(self):
        self.recoveries = []

    def register_soon(self, now, within_ms):
        self.recoveries.append(within_ms)


def ask(it):
    return it.watch(it.client.request(1, ("a",)))


def test_an_answer_after_silence_is_a_recovery():
    it, client, _ = session(OSError(110), OSError(110))
    for n in (1, 2):
        assert raised(OSError, ask, it) and it.silences == n
    run(ask(it))
    assert it.silences == 0 and it.schedule.recoveries == [0]
    run(ask(it))
    assert it.schedule.recoveries == [0]


def test_an_answer_after_a_repetition_is_a_recovery():
    def late(payload):
        client.endpoint.retransmissions += 1
        return Message(0x41)

    it, client, _ = session(late)
    run(ask(it))
    run(ask(it))
    assert it.schedule.recoveries == [0]


@rows(short=(3000, 1500), long=(18_000, 9000), longest=(40_000, 10_000))
def test_the_longer_a_server_was_silent_the_more_the_registrations_are_spread(ms, within_ms):
    def late(payload):
        client.endpoint.retransmissions += 1
        board.now += ms
        return Message(0x41)

    def never(payload):
        board.now += ms // 2
        raise OSError(110)

    board = Board()
    it, client, _ = session(late, never, never, Message(0x41), board=board)
    run(ask(it))
    for _ in range(2):
        assert raised(OSError, ask, it)
    run(ask(it))
    assert it.schedule.recoveries == [within_ms, within_ms]


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
        raise OSError(errno.EHOSTUNREACH)

    log = []
    it, client, _ = session(*[OSError(110)] * 3, log=log.append)
    client.reconnect = fail
    for _ in range(3):
        error = raised(OSError, ask, it)
    assert error.args[0] == 110 and log == ["there is no way to the server"]


def test_a_problem_is_logged_once_in_ten_minutes_and_counted():
    log = []
    board = Board()
    it, _, _ = session(log=log.append, board=board)
    for _ in range(3):
        it.report("telemetry", ResponseError(Message(0xA0)))
    it.report("telemetry", OSError(errno.ETIMEDOUT))
    assert log == ["telemetry: ResponseError 5.00", "the server is silent"]
    assert it.problem == log[1]
    it.well("rpc")  # another job's success says nothing about it
    assert it.problem
    it.well("telemetry")
    assert it.problem is None
    it.report("telemetry", OSError(errno.ETIMEDOUT))  # it comes and goes
    assert len(log) == 2 and it.problem == log[1]
    board.now += 600_000
    it.report("telemetry", OSError(errno.ETIMEDOUT))
    assert log[2:] == ["the server is silent (2 times more)"] and it.problem == log[1]


def test_a_job_that_ends_is_counted_and_named():
    log = []
    it, _, _ = session(log=log.append)
    tasks = []

    async def job():
        tasks.append(1)
        raise MemoryError("x")

    async def main():
        task = asyncio.create_task(it.supervise("telemetry", job))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()

    run(main())
    assert tasks == [1] and it.faults == 1 and log == ["telemetry: MemoryError x"]
    assert "telemetry: MemoryError" in it.last_fault


def test_an_observation_that_is_replaced_names_a_likely_reason():
    it, _, _ = session()
    it.report("rpc", ResponseError(Message(0x42)))
    assert "does another device use this access token?" in it.problem


def test_without_a_log_the_problem_is_kept():
    it, _, _ = session()
    it.report("rpc", ValueError("x"))
    assert it.problem == "rpc: ValueError x"


def test_problems_that_take_turns_do_not_flood_the_log():
    log = []
    board = Board()
    it, _, _ = session(log=log.append, board=board)
    for second in range(60):
        board.now = 1000 * second
        for code in (0x80, 0x81, 0xA0):
            it.report("telemetry", ResponseError(Message(code)))
    assert len(log) == 3


def test_the_log_takes_few_lines_a_minute_whatever_goes_wrong():
    log = []
    board = Board()
    it, _, _ = session(log=log.append, board=board)
    for n in range(1000):  # texts that the server chose
        it.report("attribute name_%d" % n, ValueError("too large"))
    assert len(log) == 8 and "name_999" in it.problem
    board.now += 61_000
    it.report("telemetry", OSError(110))
    assert len(log) == 9


def test_a_problem_is_a_short_text():
    log = []
    it, _, _ = session(log=log.append)
    it.report("x" * 5000, ValueError("y" * 5000))
    assert len(it.problem) == len(log[0]) == 200


def test_what_concerns_one_thing_only_is_past_when_a_job_goes_well():
    it, _, _ = session()
    for what in ('{"bad":5}', "setLed", "attribute config"):
        it.report(what, ValueError())
        it.well("telemetry")
        assert it.problem is None
