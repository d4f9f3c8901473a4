"""Bodies that only a lenient reader takes, and what the server stores of them."""

import pytest

from tools.tbsim.model import gson
from tools.tbsim.model.errors import BadRequest
from tools.tbsim.model.values import parse_telemetry

STORED = [
    (b"{unq:abc}", {"unq": "abc"}),
    (b"{'sq':'v\"'}", {"sq": 'v"'}),
    (b'{"a":1;"b"=2,"c"=>3}', {"a": 1, "b": 2, "c": 3}),
    (b'\xef\xbb\xbf{"bom":1}', {"bom": 1}),
    (b'{"k":tru}', {"k": "tru"}),
    (b'{"k":True,"l":NULL,"m":fAlse}', {"k": True, "m": False}),
    (b'{"k":+5}', {"k": "+5"}),
    (b'{"k":05,"l":.5}', {"k": 5, "l": 0.5}),  # text, which the type cast makes a number
    (b'{"k":0x10,"l":NaN,"m":-Infinity}', {"k": "0x10", "l": "NaN", "m": "-Infinity"}),
    (b'{"k":"\xff"}', {"k": "\ufffd"}),
    (b'{"k":"a\nb"}', {"k": "a\nb"}),
    (b'# one\n{"k":1/*c*/} // the end', {"k": 1}),
    (b'{"k":"\\ud83d\\ude00\\u00e9\\/"}', {"k": "😀é/"}),
    (b'{"a":"25","b":"00012","c":"1.50","d":"1e3","e":" 5","f":""}', "type cast"),
    (b'{"a":1e3,"b":3.0,"c":1.5e-7,"d":-0.0,"e":1e+20}', "numbers"),
    (b'{"a":9223372036854775807,"b":9223372036854775808}', "borders"),
    (b'{"a":0.12345678901234567890}', {"a": "0.12345678901234567890"}),
    (b'{"js":{"a":[1,{"b":null}],"c":"25","d":null}}', {"js": {"a": [1, {}], "c": "25"}}),
    (b'{"k":[1,,2,]}', {"k": [1, None, 2, None]}),
]
MORE = {
    "type cast": {"a": 25, "b": 12, "c": 1.5, "d": "1e3", "e": " 5", "f": ""},
    "numbers": {"a": 1000, "b": 3.0, "c": 1.5e-7, "d": 0.0, "e": "100000000000000000000"},
    "borders": {"a": (1 << 63) - 1, "b": "9223372036854775808"},
}


@pytest.mark.parametrize(("body", "stored"), STORED)
def test_stored(body, stored):
    stored = MORE[stored] if isinstance(stored, str) else stored
    ((ts, values),) = parse_telemetry(body, 77)
    assert ts == 77 and values == stored
    assert [type(v) for v in values.values()] == [type(v) for v in stored.values()]


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'{"a":1,}',
            b'{"a":1}x',
            b'{"a" 1}',
            b"{:1}",
            b'{"a":}',
            b'{"a":"b}',
            b"{",
            b"[",
            b"{'a",
        ),
        *(b'{"a":1 "b":2}', b'["a" "b"]', b'{"a":"\\x"}', b'{"a":"\\u12g4"}', b'"\\', b"]", b"\\"),
        b"[" * 300,
    ],
)
def test_refused(body):
    with pytest.raises(ValueError):
        gson.read(body)
    with pytest.raises(BadRequest):
        parse_telemetry(body, 0)


def test_nothing_is_null():
    assert gson.read(b"") is None and gson.read(b" \n") is None
