# Commands: each runs once, and its reply is sent as often as the command comes.

import asyncio
import json

from coap import ResponseError, TransferError
from coap.message import Message
from fakes import Board, run, turns
from rows import rows
from thingsboard import memory, payload_json
from thingsboard.clock import Clock
from thingsboard.rpc import Commands


class Scene:
    """Commands with a server that takes replies; `sent` are theirs, `log` what was reported."""

    def __init__(self, ticks=None, faults=()):
        self.sent = []  # (id, reply)
        self.log = []  # (what, error)
        self.faults = list(faults)  # what the server does instead of taking a reply
        clock = Clock(ticks or Board())
        self.commands = Commands(payload_json, clock, self.send, self.report)

    def on(self, method, handler):
        self.commands.handlers[method] = handler

    async def send(self, id, payload):
        self.sent.append((id, json.loads(payload)))
        if self.faults:
            raise self.faults.pop(0)

    def report(self, what, error):
        self.log.append((what, error))

    def take(self, payload):
        run(self.commands.take(payload))


REFUSED = ResponseError(Message(0x84))  # the server's last word
BUSY = ResponseError(Message(0xA0))


def test_a_reply():
    it = Scene()
    it.on("add", lambda params: {"sum": params["a"] + params["b"]})
    it.take(b'{"id":7,"method":"add","params":{"a":1,"b":2}}')
    assert it.sent == [(7, {"sum": 3})]


def test_async_handler():
    it = Scene()

    async def slow(params):
        await asyncio.sleep(0)
        return {"params": params}

    it.on("slow", slow)
    it.take(b'{"id":0,"method":"slow","params":null}')
    assert it.sent == [(0, {"params": None})]


@rows(
    number=(lambda params: 5, {"error": "the handler returned no dict"}, []),
    nothing=(lambda params: None, {}, []),
    raises=(lambda params: params["password"], {"error": "TypeError"}, ["m"]),
    nan=(lambda params: {"x": float("nan")}, {"error": "ValueError"}, ["m"]),
    not_a_pair=(lambda params: ({}, None, 1), {"error": "ValueError"}, ["m"]),
)
def test_what_a_handler_may_do_wrong_is_answered_by_an_object(handler, answer, reported):
    it = Scene()
    it.on("m", handler)
    it.take(b'{"id":1,"method":"m"}')
    assert it.sent == [(1, answer)] and [what for what, _ in it.log] == reported


@rows(
    unknown=b'{"id":1,"method":"unknown"}',
    none=b'{"id":1}',
    no_text=b'{"id":1,"method":["m"]}',
)
def test_a_method_that_nobody_handles_is_answered_by_an_error(payload):
    it = Scene()
    it.on("m", lambda params: {})
    it.take(payload)
    assert it.sent == [(1, {"error": "no such method"})] and it.log == []


def test_a_repetition_gets_the_reply_that_the_server_has_not_taken():
    ticks = Board()
    it = Scene(ticks, [REFUSED] * 3)
    ticks.now = 300_000  # it has been on for a while
    ran = []
    it.on("m", lambda params: ran.append(params) or {"n": len(ran)})
    for _ in range(2):
        it.take(b'{"id":0,"method":"m","params":1}')
    assert ran == [1] and it.sent == 2 * [(0, {"n": 1})]
    it.take(b'{"id":0,"method":"m","params":2}')  # other params are another command
    assert ran == [1, 2]
    ticks.now += 247_000
    it.take(b'{"id":0,"method":"m","params":1}')
    assert ran == [1, 2, 1]


def test_after_its_reply_was_taken_the_same_command_is_a_new_one():
    it = Scene()
    ran = []
    it.on("m", lambda params: ran.append(params) or {"n": len(ran)})
    for _ in range(3):  # the server was restarted each time: it counts from 0 again
        it.take(b'{"id":0,"method":"m","params":1}')
    assert ran == [1, 1, 1] and [reply["n"] for _, reply in it.sent] == [1, 2, 3]


def test_only_the_last_eight_replies_are_kept():
    it = Scene(faults=[REFUSED] * 20)
    ran = []
    it.on("m", lambda params: ran.append(params))
    for n in range(9):
        it.take(make(n))
    it.take(make(0))
    assert ran == list(range(9)) + [0]
    it.take(make(8))
    assert len(ran) == 10


@rows(8, 3)
def test_replies_are_kept_by_their_bytes(kept):
    it = Scene(faults=[REFUSED] * 20)
    ran = []
    it.on("m", lambda params: ran.append(params) or {"x": "y" * (3000 // kept - 10)})
    for n in range(8):
        it.take(make(n))
    for n in range(8 - kept, 8):
        it.take(make(n))
    assert ran == list(range(8))


def make(n):
    return json.dumps({"id": n, "method": "m", "params": n}).encode()


def test_a_repetition_while_the_handler_runs_waits_for_its_reply():
    async def main():
        it = Scene()
        gate = asyncio.Event()
        ran = []

        async def slow(params):
            ran.append(params)
            await gate.wait()
            return {"done": True}

        it.on("m", slow)
        first = asyncio.create_task(it.commands.take(make(1)))
        await turns(3)
        await it.commands.take(make(1))
        assert it.sent == [] and ran == [1]
        gate.set()
        await first
        assert len(it.sent) == 1

    run(main())


def running(it, payloads):
    """Tasks of commands whose handler waits for an event, which is returned too."""
    gate = asyncio.Event()

    async def slow(params):
        await gate.wait()

    it.on("m", slow)
    return gate, [asyncio.create_task(it.commands.take(payload)) for payload in payloads]


def test_what_is_beyond_eight_at_a_time_gets_no_answer():
    async def main():
        it = Scene()
        gate, tasks = running(it, [make(n) for n in range(8)])
        await asyncio.sleep(0)
        await it.commands.take(make(8))
        assert it.sent == [] and it.commands.refused == 1
        gate.set()
        for task in tasks:
            await task
        assert len(it.sent) == 8
        await it.commands.take(make(8))
        assert len(it.sent) == 9

    run(main())


def test_commands_under_way_are_bounded_by_their_bytes():
    async def main():
        it = Scene()
        large = [b'{"id":%d,"method":"m","params":"%s"}' % (n, b"x" * 1200) for n in range(4)]
        gate, tasks = running(it, large)
        await asyncio.sleep(0)
        assert it.commands.refused == 2
        gate.set()
        for task in tasks:
            await task
        assert [id for id, _ in it.sent] == [0, 1]
        # One alone may be larger than all together.
        await it.commands.take(b'{"id":9,"method":"m","params":"%s"}' % (b"x" * 9000))
        assert it.sent[-1] == (9, {})

    run(main())


def test_a_handler_that_never_returns_costs_its_own_place_and_time():
    async def main():
        it = Scene()
        it.commands.handler_ms = 50
        gate, tasks = running(it, [make(0)])
        it.on("good", lambda params: {"ok": True})
        for n in range(20):
            await it.commands.take(b'{"id":%d,"method":"good"}' % n)
        assert it.sent == [(n, {"ok": True}) for n in range(20)]
        await tasks[0]
        assert it.sent[20] == (0, {"error": "TimeoutError"}) and it.log[0][0] == "m"
        assert it.commands.admit(make(0))  # its place is free

    run(main())


def test_an_action_runs_after_the_reply_has_arrived():
    it = Scene()
    it.on("reboot", lambda params: ({"ok": True}, lambda: it.sent.append("reset")))
    it.take(b'{"id":3,"method":"reboot"}')
    assert it.sent == [(3, {"ok": True}), "reset"]


def without_pauses(it, payload):
    real = asyncio.sleep_ms
    asyncio.sleep_ms = lambda ms: real(0)
    try:
        it.take(payload)
    finally:
        asyncio.sleep_ms = real


@rows(busy_once=([BUSY], 2), silent_once=([OSError(110)], 2), never=([BUSY] * 5, 3))
def test_an_action_is_not_lost_with_the_answer_to_its_reply(faults, tries):
    it = Scene(faults=faults)
    done = []
    it.on("reboot", lambda params: ({}, lambda: done.append(len(it.sent))))
    without_pauses(it, b'{"id":3,"method":"reboot"}')
    assert done == [tries] and it.sent == [(3, {})] * tries
    assert [what for what, _ in it.log] == (["rpc"] if tries == 3 else [])
    it.faults = []
    it.take(b'{"id":3,"method":"reboot"}')
    assert len(done) == (1 if tries == 3 else 2)  # a repetition, or a new command


@rows(no_json=b"{", array=b"[1]", number=b"7")
def test_what_is_no_command_is_reported(payload):
    it = Scene()
    it.take(payload)
    ((what, error),) = it.log
    assert it.sent == [] and what == "rpc" and isinstance(error, TransferError)


def test_replies_that_nobody_answers_are_bounded_with_their_tasks():
    async def main():
        it = Scene()
        gate = asyncio.Event()
        ran = []

        on_their_way = []

        async def send(id, payload):
            on_their_way.append(id)
            await gate.wait()

        it.commands = Commands(payload_json, Clock(Board()), send, it.report)
        it.on("m", lambda params: ran.append(params))
        tasks = [asyncio.create_task(it.commands.take(make(n))) for n in range(50)]
        await turns(3)
        assert ran == list(range(8)) and it.commands.refused == 42
        assert len(on_their_way) == 3
        # Their repetitions do not send a reply once more while it is on its way.
        assert [it.commands.admit(make(n)) for n in range(8)] == [None] * 8
        gate.set()
        for task in tasks:
            await task
        assert len(on_their_way) == 8
        assert it.commands.admit(make(8))  # the places are free again

    run(main())


def test_a_command_that_cannot_begin_takes_no_place():
    it = Scene()
    for n in range(20):
        command = it.commands.admit(make(n))
        it.commands.done(command)
    assert it.commands.refused == 0


def test_where_memory_is_short_no_command_begins():
    it = Scene()
    real = memory.is_short
    memory.is_short = lambda reserve: True
    try:
        assert it.commands.admit(make(1)) is None
    finally:
        memory.is_short = real
    assert it.commands.refused == 1 and it.commands.admit(make(1))
