# The JSON codec: each payload that goes out, each that comes in.

import json

from coap import TransferError
from fakes import raised
from thingsboard.payload_json import JSONPayload

codec = JSONPayload()


def test_what_goes_out():
    for payload, value in (
        (codec.telemetry({"t": 1}), {"t": 1}),
        (codec.telemetry({"t": 1}, 5), {"ts": 5, "values": {"t": 1}}),
        (codec.telemetry([{"t": 1}, {"t": 2}]), [{"t": 1}, {"t": 2}]),
        (codec.attributes({"a": [1, None]}), {"a": [1, None]}),
        (codec.call("m", None), {"method": "m", "params": None}),
        (codec.reply({}), {}),
        (codec.claim("s", 0), {"secretKey": "s", "durationMs": 0}),
        (codec.provision({"token": "t"}), {"token": "t"}),
    ):
        assert isinstance(payload, bytes) and json.loads(payload) == value


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
    both = {"client": {"a": 1}, "shared": {}}
    assert codec.read_attributes(json.dumps(both).encode()) == both
    assert codec.read_state(b'{"deleted":["x"]}') == {"deleted": ["x"]}
    assert codec.read_change(b'{"a":1,"deleted":["x"]}') == ({"a": 1}, ["x"])
    assert codec.read_change(b'{"deleted":"yes"}') == ({"deleted": "yes"}, [])
    assert codec.read_command(b'{"id":7,"method":"m","params":[1]}') == (7, "m", [1])
    assert codec.read_command(b'{"id":7,"method":"m"}') == (7, "m", None)
    assert codec.read_answer(b"[1]") == [1]
    assert codec.read_credentials(b'{"credentialsValue":"x"}') == {"credentialsValue": "x"}


def test_what_comes_in_and_is_no_object():
    readers = (codec.read_attributes, codec.read_state, codec.read_change)
    for read in readers + (codec.read_command, codec.read_credentials):
        for payload in (b"[]", b"5", b'"x"', b"null"):
            error = raised(TransferError, read, payload)
            assert error and "no object" in str(error), payload


def test_what_comes_in_and_is_no_json():
    for payload in (b"", b"{oops", b"\x08\x01"):
        error = raised(TransferError, codec.read_answer, payload)
        assert error and "no JSON" in str(error), payload
