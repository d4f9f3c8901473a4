# Commands: each runs once, and its reply is sent as often as the command comes.

import asyncio
import json

from coap import TransferError
from fakes import Board, run
from rows import rows
from thingsboard import payload_json
from thingsboard.clock import Clock
from thingsboard.rpc import Commands


class Scene:
    """Commands with a server that takes replies; `sent` are theirs, `log` what was reported."""

    def __init__(self, ticks=None, send=None):
        self.sent = []  # (id, reply)
        self.log = []  # (what, error)
        self.fault = send  # called before a reply is taken
        clock = Clock(ticks or Board())
        self.commands = Commands(payload_json, clock, self.send, self.report)

    def on(self, method, handler):
        self.commands.handlers[method] = handler

    async def send(self, id, payload):
        if self.fault:
            self.fault()
        self.sent.append((id, json.loads(payload)))

    def report(self, what, error):
        self.log.append((what, error))

    def take(self, payload):
        run(self.commands.take(payload))


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


def test_a_repeated_command_runs_once():
    ticks = Board()
    it = Scene(ticks)
    ticks.now = 300_000  # it has been on for a while
    ran = []
    it.on("m", lambda params: ran.append(params) or {"n": len(ran)})
    it.take(b'{"id":0,"method":"m","params":1}')
    it.take(b'{"id":0,"method":"m","params":1}')
    assert ran == [1] and it.sent == 2 * [(0, {"n": 1})]
    # The server was restarted: ids begin at 0 again, other params are another command.
    it.take(b'{"id":0,"method":"m","params":2}')
    assert ran == [1, 2]
    ticks.now += 247_000
    it.take(b'{"id":0,"method":"m","params":1}')
    assert ran == [1, 2, 1]


def test_only_the_last_eight_replies_are_kept():
    it = Scene()
    ran = []
    it.on("m", lambda params: ran.append(params))
    for n in range(9):
        it.take(make(n))
    it.take(make(0))
    assert ran == list(range(9)) + [0]
    it.take(make(8))
    assert len(ran) == 10


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
        await asyncio.sleep(0)
        await it.commands.take(make(1))
        assert it.sent == [] and ran == [1]
        gate.set()
        await first
        assert len(it.sent) == 1

    run(main())


def test_no_more_than_eight_commands_at_a_time():
    async def main():
        it = Scene()
        gate = asyncio.Event()

        async def slow(params):
            await gate.wait()

        it.on("m", slow)
        tasks = [asyncio.create_task(it.commands.take(make(n))) for n in range(8)]
        await asyncio.sleep(0)
        await it.commands.take(make(8))
        assert it.sent == [(8, {"error": "busy"})]
        gate.set()
        for task in tasks:
            await task
        assert len(it.sent) == 9

    run(main())


def test_an_action_runs_after_the_reply_has_arrived():
    order = []
    it = Scene(send=lambda: order.append("reply"))
    it.on("reboot", lambda params: ({"ok": True}, lambda: order.append("reset")))
    it.take(b'{"id":3,"method":"reboot"}')
    assert order == ["reply", "reset"]


def test_an_action_waits_for_the_reply_that_arrives():
    def fail():
        if faults:
            raise faults.pop()

    faults = [OSError(110)]
    done = []
    it = Scene(send=fail)
    it.on("reboot", lambda params: ({}, lambda: done.append("reset")))
    it.take(b'{"id":3,"method":"reboot"}')
    assert done == [] and [what for what, _ in it.log] == ["rpc"]
    it.take(b'{"id":3,"method":"reboot"}')  # the server asks again
    assert done == ["reset"] and it.sent == [(3, {})]
    it.take(b'{"id":3,"method":"reboot"}')
    assert done == ["reset"]


@rows(no_json=b"{", array=b"[1]", number=b"7")
def test_what_is_no_command_is_reported(payload):
    it = Scene()
    it.take(payload)
    ((what, error),) = it.log
    assert it.sent == [] and what == "rpc" and isinstance(error, TransferError)
