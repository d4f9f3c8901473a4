# The JSON codec: each payload that goes out, each that comes in.

import json

from coap import TransferError
from fakes import raised
from rows import rows
from thingsboard import payload_json as codec


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


@rows(9.1e18, -9.1e18, 0.0, 1e-30, 12345678901234567890)
def test_numbers_that_go_out(number):
    assert json.loads(codec.encode("telemetry", {"n": number})) == {"n": number}


@rows(9.3e18, 1e19, -1e19, 3e38)
def test_a_float_that_the_server_would_keep_as_text_is_refused(number):
    for refused in ({"n": number}, {"x": {"n": [1, number]}}):
        assert "number for the server: n" in str(raised(ValueError, codec.record, refused))


@rows("attributes", "call", "reply", "claim", "provision")
def test_only_telemetry_may_be_a_list(kind):
    assert raised(ValueError, codec.encode, kind, [{"a": 1}])


@rows(empty=[], of_ints=[1], of_lists=[[{"a": 1}]], text="text", none=None)
def test_telemetry_is_a_dict_or_a_list_of_dicts(values):
    assert raised(ValueError, codec.encode, "telemetry", values)


def test_a_batch_of_records():
    records = [(codec.record({"t": 1}), 1_790_000_000_000), (codec.record({"t": "ä"}), 5)]
    count, payload = codec.batch(records)
    assert count == 2 and json.loads(payload) == [
        {"ts": 1_790_000_000_000, "values": {"t": 1}},
        {"ts": 5, "values": {"t": "ä"}},
    ]


@rows((952, 2, 1024), (953, 1, 985), (5000, 1, 5032))
def test_a_batch_fits_a_block_or_is_one_record(size, count, length):
    records = [(record, 1_790_000_000_000) for record in ("x" * size, '{"n":123}', "{}")]
    taken, payload = codec.batch(records)
    assert (taken, len(payload)) == (count, length)


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


def nested(levels, begin=b"[", end=b"]"):
    return begin * levels + end * levels


@rows(61, 64)
def test_nesting_that_a_board_can_compare(levels):
    value = codec.decode("answer", nested(levels))
    for _ in range(levels - 1):
        (value,) = value
    assert value == []


@rows(lists=nested(65), deep=nested(4000), objects=nested(65, b'{"a":', b"}"))
def test_deeper_nesting_is_refused_before_parsing(payload):
    error = raised(TransferError, codec.decode, "answer", payload)
    assert error and "too deep" in str(error)


@rows(
    brackets=b'{"a":"[[[[{{{{"}',
    many=b'["' + b"[" * 5000 + b'"]',
    quote=b'["\\"[[[\\\\"]',
    backslashes=b'["\\\\\\\\"]',
    wide=b"[" + b"[]," * 500 + b"0]",
)
def test_what_is_no_nesting(payload):
    assert codec.decode("answer", payload) == json.loads(payload)


def test_json_cut_anywhere_is_refused():
    payload = b'{"a":[1,{"b":"x\\"}{\\\\"}],"c":{}}'
    assert codec.decode("change", payload)["c"] == {}
    for end in range(len(payload)):
        assert raised(TransferError, codec.decode, "answer", payload[:end]), payload[:end]


def test_a_batch_with_and_without_time_within_a_limit():
    records = [('{"a":1}', None), ('{"b":"\u6e29"}', 7), ("{}", None)]
    assert codec.batch(records, 200)[1] == '[{"a":1},{"ts":7,"values":{"b":"\u6e29"}},{}]'.encode()
    whole = len(codec.batch(records, 200)[1])
    assert codec.batch(records, whole)[0] == 3
    assert codec.batch(records, whole - 1)[0] == 2
    assert codec.batch(records, 1)[0] == 1
