# The JSON codec: each payload that goes out, each that comes in.

import json

from coap import TransferError
from fakes import raised
from thingsboard.payload_json import JSONPayload

codec = JSONPayload()


def test_what_goes_out():
    for kind, values in (
        ("telemetry", {"t": 1}),
        ("telemetry", {"ts": 5, "values": {"t": 1}}),
        ("telemetry", [{"t": 1}, {"t": 2}]),
        ("attributes", {"a": [1, None]}),
        ("call", {"method": "m", "params": None}),
        ("reply", {}),
        ("claim", {"secretKey": "s", "durationMs": 0}),
        ("provision", {"token": "t"}),
    ):
        payload = codec.encode(kind, values)
        assert isinstance(payload, bytes) and json.loads(payload) == values, kind


def test_only_telemetry_may_be_a_list():
    for kind in ("attributes", "call", "reply", "claim", "provision"):
        assert raised(ValueError, codec.encode, kind, [{"a": 1}]), kind
    for values in ([], [1], [[{"a": 1}]], "text", None):
        assert raised(ValueError, codec.encode, "telemetry", values), values


def test_a_batch_of_records():
    records = [(1_790_000_000_000, codec.record({"t": 1})), (5, codec.record({"t": "ä"}))]
    payload = codec.batch(records)
    assert json.loads(payload) == [
        {"ts": 1_790_000_000_000, "values": {"t": 1}},
        {"ts": 5, "values": {"t": "ä"}},
    ]
    alone = codec.batch(records[:1])
    assert len(alone) == 1 + len(records[0][1]) + codec.batch_overhead  # brackets, no comma


def test_what_comes_in():
    for kind in ("attributes", "state", "change", "command", "credentials", "answer"):
        assert codec.decode(kind, b'{"a":1,"deleted":["x"]}') == {"a": 1, "deleted": ["x"]}
    assert codec.decode("answer", b"[1]") == [1] and codec.decode("answer", b"5") == 5


def test_what_comes_in_and_is_no_object():
    for kind in ("attributes", "state", "change", "command", "credentials"):
        for payload in (b"[]", b"5", b'"x"', b"null"):
            error = raised(TransferError, codec.decode, kind, payload)
            assert error and "no object" in str(error), (kind, payload)


def test_what_comes_in_and_is_no_json():
    for payload in (b"", b"{oops", b"\x08\x01"):
        error = raised(TransferError, codec.decode, "answer", payload)
        assert error and "no JSON" in str(error), payload
