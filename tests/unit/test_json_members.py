# A JSON object that is larger than memory, in pieces of any size.

import json

from coap import TransferError
from fakes import raised
from rows import rows
from thingsboard.json_members import Members

STATE = {
    "interval": 5,
    'odd "name", {x}:': 'a \\ "quoted" {[,:]} value',
    "nested": {"a": [1, {"b": ","}], "c": None},
    "empty": {},
    "text": "ü",
    "last": True,
}


def taken(text, size):
    members = Members()
    data = text.encode()
    for at in range(0, len(data), size):
        members.feed(data[at : at + size])
    members.end()
    return members


@rows(1, 7, 1024)
def test_all_that_fits_arrives(size):
    for separators in ((",", ":"), (", ", " : ")):
        members = taken(json.dumps(STATE, separators=separators), size)
        assert members.values == STATE and members.skipped == []
    assert taken("{}", size).values == {}


@rows(4090, 40_000)
def test_a_value_that_is_too_large_is_named_and_the_others_arrive(size):
    state = {"interval": 5, "config": "c" * size, "mode": "eco"}
    members = taken(json.dumps(state), 1024)
    assert members.values["interval"] == 5 and members.values["mode"] == "eco"
    assert members.skipped == (["config"] if size > 4096 else [])


def test_all_together_are_bounded_and_so_are_the_names_that_are_told():
    state = {"name%03d" % n: "x" * 1000 for n in range(100)}
    members = taken(json.dumps(state), 1024)
    assert 10 < len(members.values) <= 17
    assert len(members.skipped) == 32


def test_what_is_too_deep_for_the_parser_is_not_parsed():
    text = '{"deep":' + "[" * 2000 + "]" * 2000 + ',"a":1}'
    members = taken(text, 512)
    assert members.values == {"a": 1} and members.skipped == ["deep"]


@rows(
    array="[1,2]",
    number="5",
    cut='{"a":1',
    in_a_string='{"a":"x',
    bare="{a:1}",
    number_as_name="{1:2}",
    no_value='{"a":}',
    more='{"a":1}x',
    words="xx",
)
def test_what_is_no_object(text):
    assert raised(TransferError, taken, text, 4)


def test_many_small_values_arrive_as_far_as_there_is_room():
    state = {"attribute_%d" % n: n for n in range(5000)}
    members = taken(json.dumps(state), 1024)
    assert 1000 < len(members.values) < 5000 and len(members.skipped) == 32
    assert members.values["attribute_999"] == 999


class Short(bytearray):
    """A text for which memory runs out."""

    def append(self, byte):
        if len(self) >= 100:
            raise MemoryError
        super().append(byte)


def test_memory_that_runs_out_within_a_value_costs_that_value():
    members = Members()
    members.feed(b'{"a":1,"config":')
    members._text = Short()
    members.feed(json.dumps("c" * 500).encode() + b',"b":2}')
    members.end()
    assert members.values == {"a": 1, "b": 2} and members.skipped == ["config"]
