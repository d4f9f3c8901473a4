# The device API against a client that answers from a list.

import asyncio
import json

from coap import ResponseError, TransferError
from coap.message import Message
from fakes import Board, Client, raised, run
from thingsboard.clock import Clock
from thingsboard.device import Device


def device(*answers, token="TOK", **how):
    client = Client(*answers)
    how.setdefault("clock", Clock(Board()))
    return Device(client, token, **how), client


def posted(client):
    # (path, JSON) of the only request.
    ((code, path, payload),) = client.requests
    assert code == 2
    return "/".join(path), json.loads(payload)


def test_telemetry_shapes():
    for values, ts, body in (
        ({"t": 1}, None, {"t": 1}),
        ({}, None, {}),
        ({"t": 1}, 1790000000123, {"ts": 1790000000123, "values": {"t": 1}}),
        ([{"t": 1}, {"t": 2}], None, [{"t": 1}, {"t": 2}]),
        (({"ts": 5, "values": {"a": None}},), None, [{"ts": 5, "values": {"a": None}}]),
        ({"a": [1, {"b": True}], "c": "ä"}, None, {"a": [1, {"b": True}], "c": "ä"}),
    ):
        it, client = device()
        run(it.send_telemetry(values, ts))
        assert posted(client) == ("api/v1/TOK/telemetry", body)


def test_without_a_token_the_path_has_none():
    it, client = device(token=None)
    run(it.send_telemetry({"t": 1}))
    assert posted(client)[0] == "api/v1/telemetry"


def test_a_token_with_a_slash_is_one_segment():
    it, client = device(token="a/b")
    run(it.send_telemetry({"t": 1}))
    assert client.requests[0][1] == ("api", "v1", "a/b", "telemetry")


def test_what_is_not_json_is_named():
    inf = float("inf")
    for values, name in (
        ({"a": 1, "bad": float("nan")}, "bad"),
        ({"bad": inf}, "bad"),
        ({"bad": -inf}, "bad"),
        ({"x": {"bad": [1, inf]}}, "bad"),
        ({"bad": b"bytes"}, "bad"),
        ({"bad": {1, 2}}, "bad"),
        ({"bad": object()}, "bad"),
        ({5: 1}, "not JSON"),
        ([], "dict"),
        ([1], "dict"),
        ("text", "dict"),
        (None, "dict"),
    ):
        it, client = device()
        for verb in (it.send_telemetry, it.send_attributes, it.record):
            error = raised(ValueError, verb, values)
            assert error and name in str(error), (values, error)
        assert client.requests == [] and len(it.outbox) == 0


def test_attributes():
    it, client = device()
    run(it.send_attributes({"model": "pico-w"}))
    assert posted(client) == ("api/v1/TOK/attributes", {"model": "pico-w"})


def test_request_attributes():
    answer = Message(0x45, b'{"client":{"a":1},"shared":{"c":true}}')
    it, client = device(answer)
    values = run(it.request_attributes(("a", "b"), ["c"]))
    assert values == {"client": {"a": 1}, "shared": {"c": True}}
    assert client.queries == [["clientKeys=a,b", "sharedKeys=c"]]
    it, client = device(Message(0x45, b"{}"))
    run(it.request_attributes())
    assert client.queries == [[]]


def test_nothing_found_is_an_empty_dict():
    it, _ = device(Message(0x84))
    assert run(it.request_attributes(("a",))) == {}


def test_other_refusals_are_raised():
    it, _ = device(Message(0x81))
    error = raised(ResponseError, it.request_attributes)
    assert error.code == 0x81 and str(error) == "4.01"


def test_names_that_cannot_be_asked_for():
    it, client = device()
    for keys in (("a=b",), ("a,b",)):
        assert raised(ValueError, it.request_attributes, keys)
        assert raised(ValueError, it.request_attributes, (), keys)
    assert client.requests == []


def test_an_answer_that_is_no_json():
    it, _ = device(Message(0x45, b"{oops"), Message(0x45, b""))
    assert raised(TransferError, it.request_attributes)
    assert raised(TransferError, it.call, "m")


def test_client_side_rpc():
    it, client = device(Message(0x45, b'{"time":5}'))
    assert run(it.call("getTime")) == {"time": 5}
    assert posted(client) == ("api/v1/TOK/rpc", {"method": "getTime", "params": None})


def test_claim():
    it, client = device()
    run(it.claim("s3cret", duration_ms=60000))
    assert posted(client) == ("api/v1/TOK/claim", {"secretKey": "s3cret", "durationMs": 60000})


def test_attribute_changes():
    it, _ = device()
    heard = []
    it.on_attributes(lambda changed, deleted: heard.append((changed, sorted(deleted))))
    it.take_attributes(b'{"a":1,"b":2}', True)
    it.take_attributes(b'{"a":5}', False)
    it.take_attributes(b'{"deleted":["b","never"]}', False)
    assert it.shared == {"a": 5}
    it.take_attributes(b'{"a":5}', True)  # registered again: nothing is new
    it.take_attributes(b'{"c":1}', True)  # a has gone unnoticed
    assert heard == [
        ({"a": 1, "b": 2}, []),
        ({"a": 5}, []),
        ({}, ["b", "never"]),
        ({"c": 1}, ["a"]),
    ]


def test_an_attribute_named_deleted():
    it, _ = device()
    it.take_attributes(b'{"deleted":["x"]}', True)  # in the full state it is a key like any other
    assert it.shared == {"deleted": ["x"]}
    it.take_attributes(b'{"deleted":"yes"}', False)  # no list: no deletion
    assert it.shared == {"deleted": "yes"}


def test_a_raising_listener_does_not_keep_the_others_from_hearing():
    log = []
    it, _ = device(log=log.append)
    heard = []
    it.on_attributes(lambda changed, deleted: changed["missing"])
    it.on_attributes(lambda changed, deleted: heard.append(changed))
    it.take_attributes(b'{"a":1}', True)
    assert heard == [{"a": 1}]
    assert len(log) == 1 and "KeyError" in log[0]


def command(it, payload):
    run(it.take_rpc(payload))


def reply(client, n=-1):
    code, path, payload = client.requests[n]
    return "/".join(path), json.loads(payload)


def test_rpc():
    it, client = device()
    it.on_rpc("add", lambda params: {"sum": params["a"] + params["b"]})
    command(it, b'{"id":7,"method":"add","params":{"a":1,"b":2}}')
    assert reply(client) == ("api/v1/TOK/rpc/7", {"sum": 3})


def test_rpc_async_handler():
    it, client = device()

    async def slow(params):
        await asyncio.sleep(0)
        return {"params": params}

    it.on_rpc("slow", slow)
    command(it, b'{"id":0,"method":"slow","params":null}')
    assert reply(client) == ("api/v1/TOK/rpc/0", {"params": None})


def test_rpc_that_goes_wrong_is_answered_by_an_object():
    log = []
    it, client = device(log=log.append)
    it.on_rpc("raises", lambda params: params["password"])
    it.on_rpc("number", lambda params: 5)
    it.on_rpc("nan", lambda params: {"x": float("nan")})
    it.on_rpc("nothing", lambda params: None)
    for method, answer in (
        (b"unknown", {"error": "no such method"}),
        (b"raises", {"error": "TypeError"}),
        (b"number", {"error": "the handler returned no dict"}),
        (b"nan", {"error": "ValueError"}),
        (b"nothing", {}),
    ):
        command(it, b'{"id":1,"method":"' + method + b'"}')
        assert reply(client)[1] == answer
    assert len(log) == 2  # the two that raised


def test_a_repeated_command_runs_once():
    ticks = Board()
    it, client = device(clock=Clock(ticks))
    ran = []
    it.on_rpc("m", lambda params: ran.append(params) or {"n": len(ran)})
    command(it, b'{"id":0,"method":"m","params":1}')
    command(it, b'{"id":0,"method":"m","params":1}')
    assert ran == [1] and [reply(client, n)[1] for n in (0, 1)] == [{"n": 1}, {"n": 1}]
    # The server was restarted: ids begin at 0 again, other params are another command.
    command(it, b'{"id":0,"method":"m","params":2}')
    assert ran == [1, 2]
    ticks.now += 247_000
    command(it, b'{"id":0,"method":"m","params":1}')
    assert ran == [1, 2, 1]


def test_only_the_last_eight_replies_are_kept():
    it, client = device()
    ran = []
    it.on_rpc("m", lambda params: ran.append(params))
    for n in range(9):
        command(it, make(n))
    command(it, make(0))
    assert ran == list(range(9)) + [0]
    command(it, make(8))
    assert len(ran) == 10


def make(n):
    return json.dumps({"id": n, "method": "m", "params": n}).encode()


def test_a_repetition_while_the_handler_runs_waits_for_its_reply():
    async def main():
        it, client = device()
        gate = asyncio.Event()
        ran = []

        async def slow(params):
            ran.append(params)
            await gate.wait()
            return {"done": True}

        it.on_rpc("m", slow)
        first = asyncio.create_task(it.take_rpc(make(1)))
        await asyncio.sleep(0)
        await it.take_rpc(make(1))
        assert client.requests == [] and ran == [1]
        gate.set()
        await first
        assert len(client.requests) == 1

    run(main())


def test_no_more_than_eight_commands_at_a_time():
    async def main():
        it, client = device()
        gate = asyncio.Event()

        async def slow(params):
            await gate.wait()

        it.on_rpc("m", slow)
        tasks = [asyncio.create_task(it.take_rpc(make(n))) for n in range(8)]
        await asyncio.sleep(0)
        await it.take_rpc(make(8))
        assert reply(client) == ("api/v1/TOK/rpc/8", {"error": "busy"})
        gate.set()
        for task in tasks:
            await task
        assert len(client.requests) == 9

    run(main())


def test_an_action_runs_after_the_reply_has_arrived():
    order = []
    it, client = device(lambda payload: order.append("reply") or Message(0x41))
    it.on_rpc("reboot", lambda params: ({"ok": True}, lambda: order.append("reset")))
    command(it, b'{"id":3,"method":"reboot"}')
    assert order == ["reply", "reset"]
    # Not if the server never got the reply.
    it, client = device(OSError(110))
    it.on_rpc("reboot", lambda params: ({}, lambda: order.append("reset")))
    assert raised(OSError, it.take_rpc, b'{"id":3,"method":"reboot"}')
    assert order == ["reply", "reset"]


def test_silence_and_recovery():
    it, client = device(OSError(110), OSError(110), Message(0x41), Message(0x41))
    for n in (1, 2):
        assert raised(OSError, it.send_telemetry, {"t": 1})
        assert it.silences == n and not it.recovered
    run(it.send_telemetry({"t": 1}))
    assert it.silences == 0 and it.recovered
    it.recovered = False
    run(it.send_telemetry({"t": 1}))
    assert not it.recovered


def test_an_answer_after_a_repetition_is_a_recovery():
    def late(payload):
        client.endpoint.retransmissions += 1
        return Message(0x41)

    it, client = device(late)
    run(it.send_telemetry({"t": 1}))
    assert it.recovered


def test_problems_are_logged_once_and_without_the_token():
    log = []
    it, _ = device(token="SECRET", log=log.append)
    for _ in range(3):
        it.report("telemetry", ResponseError(Message(0x81)))
    it.report("telemetry", OSError(110))
    assert len(log) == 2 and log[0] == "telemetry: ResponseError 4.01"
    assert it.problem == log[1] and "telemetry: OSError" in it.problem
    assert not any("SECRET" in text for text in log)


def test_record_is_stamped_and_queued():
    clock = Clock(Board())
    clock.set(1790000000000)
    it, client = device(clock=clock)
    it.record({"t": 21.5})
    it.record({"t": 22}, ts=5)
    _, count, body = it.outbox.batch(10)
    assert json.loads(body) == [
        {"ts": 1790000000000, "values": {"t": 21.5}},
        {"ts": 5, "values": {"t": 22}},
    ]
    assert client.requests == []
