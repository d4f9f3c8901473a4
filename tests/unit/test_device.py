# The device API against a client that answers from a list.

import json

import thingsboard
from coap import ResponseError, TransferError
from coap.message import Message
from fakes import Board, Client, raised, run
from rows import rows
from thingsboard.clock import Clock
from thingsboard.device import Device
from thingsboard.outbox import Outbox


def device(*answers, token="TOK", **how):
    client = Client(*answers)
    how.setdefault("clock", Clock(Board()))
    return Device(client, token, **how), client


def posted(client):
    # (path, JSON) of the only request.
    ((code, path, payload),) = client.requests
    assert code == 2
    return "/".join(path), json.loads(payload)


@rows(
    one=({"t": 1}, None, {"t": 1}),
    none=({}, None, {}),
    with_a_time=({"t": 1}, 1790000000123, {"ts": 1790000000123, "values": {"t": 1}}),
    a_list=([{"t": 1}, {"t": 2}], None, [{"t": 1}, {"t": 2}]),
    a_tuple=(({"ts": 5, "values": {"a": None}},), None, [{"ts": 5, "values": {"a": None}}]),
    nested=({"a": [1, {"b": True}], "c": "ä"}, None, {"a": [1, {"b": True}], "c": "ä"}),
)
def test_telemetry_shapes(values, ts, body):
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


INF = float("inf")


@rows(
    nan=({"a": 1, "bad": float("nan")}, "bad"),
    infinite=({"bad": INF}, "bad"),
    large=({"a": 9.1e18, "bad": 9.3e18}, "no number for the server: bad"),
    larger=({"bad": [-1e30]}, "no number for the server: bad"),
    below_all=({"bad": -INF}, "bad"),
    nested=({"x": {"bad": [1, INF]}}, "bad"),
    bytes=({"bad": b"bytes"}, "bad"),
    set=({"bad": {1, 2}}, "bad"),
    object=({"bad": object()}, "bad"),
    key=({5: 1}, "not JSON"),
    empty_list=([], "dict"),
    list_of_ints=([1], "dict"),
    text=("text", "dict"),
    none=(None, "dict"),
)
def test_what_is_not_json_is_named(values, name):
    it, client = device()
    for verb in (it.send_telemetry, it.send_attributes, it.record):
        error = raised(ValueError, verb, values)
        assert error and name in str(error)
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


@rows("a=b", "a,b")
def test_names_that_cannot_be_asked_for(name):
    it, client = device()
    assert raised(ValueError, it.request_attributes, (name,))
    assert raised(ValueError, it.request_attributes, (), (name,))
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


def test_record_is_stamped_and_queued():
    clock = Clock(Board())
    clock.set(1790000000000)
    it, client = device(clock=clock)
    it.record({"t": 21.5})
    it.record({"t": 22}, ts=5)
    assert json.loads(it.outbox.batch()) == [
        {"ts": 1790000000000, "values": {"t": 21.5}},
        {"ts": 5, "values": {"t": 22}},
    ]
    assert client.requests == []


def test_an_empty_outbox_of_the_callers_is_used():
    clock = Clock(Board())
    mine = Outbox(clock, max_bytes=100)
    it, _ = device(clock=clock, outbox=mine)
    it.record({"t": 1})
    assert it.outbox is mine and len(mine) == 1


def test_what_goes_wrong_is_told_without_the_token():
    log = []
    it, _ = device(OSError(110), token="SECRET", log=log.append)
    assert raised(OSError, it.send_telemetry, {"t": 1})
    it.session.report("telemetry", OSError(110))
    assert it.problem == log[0] and "SECRET" not in log[0]


def test_replies_go_to_the_commands_path():
    it, client = device()
    it.on_rpc("echo", lambda params: {"params": params})
    run(it.commands.take(b'{"id":7,"method":"echo","params":[1]}'))
    assert posted(client) == ("api/v1/TOK/rpc/7", {"params": [1]})


def test_what_not_every_device_needs_is_loaded_when_it_is_asked_for():
    from thingsboard.provisioning import provision
    from thingsboard.updater import Updater

    assert thingsboard.provision is provision and thingsboard.Updater is Updater
    assert raised(AttributeError, lambda: thingsboard.provisioner)


@rows(text="text", none=None, a_list=[{"t": 1}], a_number=5)
def test_only_a_dict_has_a_time(values):
    it, client = device()
    assert raised(ValueError, it.send_telemetry, values, 1790000000123)
    assert client.requests == []
