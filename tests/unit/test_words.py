# What keeps a device from its server, in words, once for each cause.

import asyncio
import errno

from coap import ResponseError
from coap.message import Message
from fakes import Board, Client, run
from rows import rows
from thingsboard.clock import Clock
from thingsboard.session import Session
from thingsboard.words import words_of

REFUSED = "the server refuses the access token or certificate (4.01)"


def session():
    """Return (session, its board, its log)."""
    log = []
    board = Board()
    return Session(Client(), Clock(board), log.append), board, log


@rows(
    token=(ResponseError(Message(0x81)), REFUSED),
    silence=(OSError(errno.ETIMEDOUT), "the server is silent"),
    route=(OSError(errno.EHOSTUNREACH), "there is no way to the server"),
    reset=(OSError(errno.ECONNRESET), "the server has forgotten this device"),
    name=(OSError(errno.ENOENT, "no such name: demo.example"), "no such name: demo.example"),
    busy=(ResponseError(Message(0xA0)), ""),
    file=(OSError(errno.ENOENT), ""),
    none=(OSError(), ""),
    bug=(ValueError("x"), ""),
)
def test_words(error, words):
    assert words_of(error) == words


def test_one_cause_is_one_line_whichever_job_hears_it():
    it, _, log = session()
    for job in ("attributes", "rpc", "telemetry", "clock", "session"):
        it.report(job, ResponseError(Message(0x81)))
        assert it.problem == REFUSED
    assert log == [REFUSED]
    for job in ("attributes", "rpc"):
        it.report(job, OSError(errno.ENOENT, "no such name: demo.example"))
    assert log == [REFUSED, "no such name: demo.example"]


def test_what_comes_again_is_counted():
    it, board, log = session()
    for minute in range(25):
        board.now = 60_000 * minute
        it.report("rpc", ResponseError(Message(0x81)))
    assert log == [REFUSED, REFUSED + " (10 times more)", REFUSED + " (10 times more)"]


def test_a_job_of_the_applications_own_hears_the_same_causes():
    it, _, log = session()

    async def fails():
        raise ResponseError(Message(0x81))

    async def main():
        task = asyncio.create_task(it.supervise("introduction", fails))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()

    run(main())
    it.report("rpc", ResponseError(Message(0x81)))
    assert log == [REFUSED]


def test_the_server_of_a_package_may_be_another_one():
    it, _, log = session()
    it.report("download", ResponseError(Message(0x81)))
    assert log == ["download: ResponseError 4.01"]


def test_a_sensor_that_is_silent_is_no_server():
    it, _, log = session()
    it.report("sensor 1", OSError(errno.ETIMEDOUT))
    assert log[0].startswith("sensor 1: OSError")
