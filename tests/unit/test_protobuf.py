# Protobuf by schemas: golden bytes, limits, and whatever a peer may send.

from binascii import hexlify, unhexlify

from coap import TransferError
from fakes import raised
from rows import rows
from thingsboard.protobuf import decode, encode

INNER = {"a": (1, "int32"), "b": (2, "string")}
SCHEMA = {
    "flag": (1, "bool"),
    "small": (2, "int32"),
    "large": (3, "int64"),
    "count": (4, "uint64"),
    "offset": (5, "sint32"),
    "far": (6, "sint64"),
    "word": (7, "fixed32"),
    "long": (8, "sfixed64"),
    "single": (9, "float"),
    "double": (10, "double"),
    "text": (11, "string"),
    "data": (12, "bytes"),
    "mode": (13, (("OFF", 0), ("ON", 1), ("BELOW", -1))),
    "inner": (14, INNER),
    "numbers": (15, ["int32"]),
    "inners": (16, [INNER]),
    "texts": (17, ["string"]),
    "floats": (18, ["float"]),
    "high": (2000, "bool"),
}


@rows(
    ({}, ""),
    ({"flag": True}, "0801"),
    ({"flag": False}, "0800"),
    ({"small": 0}, "1000"),
    ({"small": 300}, "10ac02"),
    ({"small": -1}, "10ffffffffffffffffff01"),
    ({"large": 1 << 62}, "18808080808080808040"),
    ({"count": (1 << 64) - 1}, "20ffffffffffffffffff01"),
    ({"offset": -3}, "2805"),
    ({"far": 1 << 40}, "30808080808040"),
    ({"word": 0xFFFFFFFF}, "3dffffffff"),
    ({"long": -2}, "41feffffffffffffff"),
    ({"single": 1.5}, "4d0000c03f"),
    ({"double": 21.5}, "510000000000803540"),
    ({"text": "\xe9"}, "5a02c3a9"),
    ({"data": b"\x00\xff"}, "620200ff"),
    ({"mode": "ON"}, "6801"),
    ({"mode": "BELOW"}, "68ffffffffffffffffff01"),
    ({"mode": 7}, "6807"),
    ({"inner": {"a": 1, "b": "x"}}, "720508011201" + "78"),
    ({"inner": {}}, "7200"),
    ({"numbers": [1, 2]}, "78017802"),
    ({"inners": [{"a": 1}, {}]}, "82010208018201" + "00"),
    ({"texts": ["", "a"]}, "8a01008a010161"),
    ({"high": True}, "807d01"),
)
def test_both_ways(values, golden):
    message = encode(SCHEMA, values)
    assert decode(SCHEMA, unhexlify(golden)) == decode(SCHEMA, message) == values
    assert len(values.get("inner", ())) > 1 or hexlify(message).decode() == golden


def test_a_field_that_is_none_is_left_out():
    assert encode(SCHEMA, {"flag": None, "small": 1}) == b"\x10\x01"


@rows(
    ("7a020102", {"numbers": [1, 2]}),
    ("92010800000000" + "0000803f", {"floats": [0.0, 1.0]}),
    ("7a00", {"numbers": []}),
    ("7801" + "7a0102", {"numbers": [1, 2]}),
)
def test_packed_fields_are_read(golden, values):
    assert decode(SCHEMA, unhexlify(golden)) == values


def test_the_last_one_counts():
    assert decode(SCHEMA, b"\x10\x01\x10\x02") == {"small": 2}


def test_unknown_fields_are_passed_over():
    unknown = unhexlify("f801052a" + "02" + "0102" + "9d0600000000" + "99060000000000000000")
    schema = {"small": (2, "int32")}
    assert decode(schema, unknown + b"\x10\x01") == {"small": 1}


@rows(
    ({"nothing": 1}, "the schema has no field nothing"),
    ({"small": 1 << 31}, "small: 2147483648 is not within -2147483648 to 2147483647"),
    ({"small": 1.5}, "small"),
    ({"small": "1"}, "small"),
    ({"count": -1}, "count: -1"),
    ({"flag": 2}, "flag: 2"),
    ({"text": 5}, "text"),
    ({"double": "x"}, "double"),
    ({"mode": "UP"}, "mode"),
    ({"inner": {"c": 1}}, "inner: the schema has no field c"),
    ({"inner": 5}, "inner"),
    ({"numbers": 5}, "numbers"),
    ({"numbers": [1, "x"]}, "numbers"),
)
def test_what_a_schema_cannot_say_is_named(values, text):
    error = raised(ValueError, lambda: encode(SCHEMA, values))
    assert str(error).startswith(text)


@rows(
    "08",
    "10ff",
    "10ffffffffffffffffffffff01",
    "5105",
    "5a05" + "61",
    "0b",
    "0c",
    "0a0100",
    "5801",
    "5a01ff",
    "720308",
    "7205" + "0801",
    "ffffffffffffffffffffff",
    "7a0180",
    "92010300000000",
)
def test_what_is_no_message_is_refused(data):
    raised(TransferError, lambda: decode(SCHEMA, unhexlify(data)))


def test_every_cut_of_a_message_is_refused_or_shorter():
    whole = encode(SCHEMA, {"small": 300, "text": "abc", "inner": {"a": 1, "b": "x"}, "word": 5})
    for end in range(len(whole)):
        try:
            assert len(decode(SCHEMA, whole[:end])) < 4
        except TransferError:
            pass
