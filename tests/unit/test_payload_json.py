# The JSON codec: each payload that goes out, each that comes in.

import json

from coap import TransferError
from fakes import raised
from rows import rows
from thingsboard.payload_json import JSONPayload

codec = JSONPayload()


@rows(
    ("telemetry", {"t": 1}),
    ("telemetry", {"ts": 5, "values": {"t": 1}}),
    ("telemetry", [{"t": 1}, {"t": 2}]),
    ("attributes", {"a": [1, None]}),
    ("call", {"method": "m", "params": None}),
    ("reply", {}),
    ("claim", {"secretKey": "s", "durationMs": 0}),
    ("provision", {"token": "t"}),
)
def test_what_goes_out(kind, values):
    payload = codec.encode(kind, values)
    assert isinstance(payload, bytes) and json.loads(payload) == values


@rows("attributes", "call", "reply", "claim", "provision")
def test_only_telemetry_may_be_a_list(kind):
    assert raised(ValueError, codec.encode, kind, [{"a": 1}])


@rows(empty=[], of_ints=[1], of_lists=[[{"a": 1}]], text="text", none=None)
def test_telemetry_is_a_dict_or_a_list_of_dicts(values):
    assert raised(ValueError, codec.encode, "telemetry", values)


def test_a_batch_of_records():
    records = [(1_790_000_000_000, codec.record({"t": 1})), (5, codec.record({"t": "ä"}))]
    payload = codec.batch(records)
    assert json.loads(payload) == [
        {"ts": 1_790_000_000_000, "values": {"t": 1}},
        {"ts": 5, "values": {"t": "ä"}},
    ]
    alone = codec.batch(records[:1])
    assert len(alone) == 1 + len(records[0][1]) + codec.batch_overhead  # brackets, no comma


OBJECTS = ("attributes", "state", "change", "command", "credentials")


@rows("answer", *OBJECTS)
def test_what_comes_in(kind):
    assert codec.decode(kind, b'{"a":1,"deleted":["x"]}') == {"a": 1, "deleted": ["x"]}


@rows((b"[1]", [1]), (b"5", 5), (b"null", None))
def test_an_answer_may_be_anything(payload, values):
    assert codec.decode("answer", payload) == values


@rows(*OBJECTS)
def test_what_comes_in_and_is_no_object(kind):
    for payload in (b"[]", b"5", b'"x"', b"null"):
        error = raised(TransferError, codec.decode, kind, payload)
        assert error and "no object" in str(error), payload


@rows(empty=b"", cut_short=b"{oops", protobuf=b"\x08\x01")
def test_what_comes_in_and_is_no_json(payload):
    error = raised(TransferError, codec.decode, "answer", payload)
    assert error and "no JSON" in str(error)
