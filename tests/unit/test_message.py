# The codec against bytes written out by hand from RFC 7252 section 3.

from coap.message import (
    CON,
    GET,
    NON,
    POST,
    Message,
    add_option,
    decode,
    option_uint,
)


def refused(data):
    try:
        decode(bytes(data))
    except ValueError:
        return True
    return False


def unencodable(**fields):
    try:
        Message(**fields).encode()
    except ValueError:
        return True
    return False


def round_trip(options, payload=b"p"):
    message = decode(Message(GET, payload, options, token=b"t", message_id=7).encode())
    assert message.payload == payload
    return message.options


def test_golden_telemetry():
    message = Message(
        POST,
        b'{"t":1}',
        [(11, b"api"), (11, b"v1"), (11, b"TOK"), (11, b"telemetry"), (12, b"\x32")],
        CON,
        b"\xa1",
        0x1001,
    )
    wire = (
        b"\x41\x02\x10\x01"  # version 1, CON, token length 1; POST; message id
        b"\xa1"
        b"\xb3api"  # delta 11, length 3
        b"\x02v1\x03TOK"  # delta 0: the next Uri-Path
        b"\x09telemetry"
        b"\x11\x32"  # delta 1: Content-Format 50
        b'\xff{"t":1}'
    )
    assert message.encode() == wire
    back = decode(wire)
    assert (back.type, back.code, back.token, back.message_id) == (CON, POST, b"\xa1", 0x1001)
    assert back.options == message.options
    assert back.payload == b'{"t":1}'


def test_empty_message():
    assert Message(message_id=0xBEEF).encode() == b"\x40\x00\xbe\xef"
    assert decode(b"\x70\x00\xbe\xef").type == 3


def test_options_are_kept_in_order():
    # By number, repeated ones in the order given.
    options = []
    for number, value in ((15, b"b"), (11, b"x"), (15, b"a"), (11, b"y"), (6, b"")):
        add_option(options, number, value)
    message = Message(GET, b"", options)
    assert message.encode()[4:] == b"\x60\x51x\x01y\x41b\x01a"
    assert message.option(15) == b"b"
    assert message.option(6) == b""
    assert message.uint(6) == 0
    assert message.option(4) is None and message.uint(4) is None


def test_extended_delta():
    for number, head in (
        (12, b"\xc0"),
        (13, b"\xd0\x00"),
        (268, b"\xd0\xff"),
        (269, b"\xe0\x00\x00"),
        (65535, b"\xe0\xfe\xf2"),
    ):
        assert Message(GET, b"", [(number, b"")]).encode()[4:] == head
        assert round_trip([(number, b"")]) == [(number, b"")]


def test_extended_length():
    for size, head in (
        (12, b"\x1c"),
        (13, b"\x1d\x00"),
        (268, b"\x1d\xff"),
        (269, b"\x1e\x00\x00"),
        (270, b"\x1e\x00\x01"),
        (65804, b"\x1e\xff\xff"),
    ):
        value = bytes(size)
        assert Message(GET, b"", [(1, value)]).encode()[4 : 4 + len(head)] == head
        assert round_trip([(1, value)]) == [(1, value)]


def test_many_options():
    options = [(n, bytes([n])) for n in range(1, 60)]
    assert round_trip(options) == options


def test_tokens():
    for size in range(9):
        token = bytes(range(size))
        assert decode(Message(GET, token=token).encode()).token == token


def test_payload_is_any_buffer():
    body = bytearray(b"..hello..")
    message = Message(POST, memoryview(body)[2:7], type=NON)
    assert message.encode() == b"\x50\x02\x00\x00\xffhello"


def test_decode_keeps_nothing_of_the_buffer():
    data = bytearray(Message(POST, b"abc", [(11, b"xy")], token=b"T").encode())
    message = decode(data)
    for i in range(len(data)):
        data[i] = 0
    assert (message.token, message.options, message.payload) == (b"T", [(11, b"xy")], b"abc")


def test_refuses_what_is_no_message():
    assert refused(b"")
    assert refused(b"\x40\x01\x00")
    assert refused(b"\x00\x01\x00\x00")  # version 0
    assert refused(b"\x80\x01\x00\x00")  # version 2
    for length in range(9, 16):
        assert refused(bytes([0x40 | length, 1, 0, 0]) + bytes(16))
    assert refused(b"\x42\x01\x00\x00t")  # cut in the token
    assert refused(b"\x41\x00\x00\x00t")  # Empty with a token
    assert refused(b"\x40\x00\x00\x00\xffx")  # Empty with a payload
    for code in (0x20, 0xC0, 0xFF):  # classes 1, 6 and 7
        assert refused(bytes([0x40, code, 0, 0]))
    assert refused(b"\x40\x01\x00\x00\xff")  # marker, no payload
    assert refused(b"\x40\x01\x00\x00\xf1x")  # delta 15 without being the marker
    assert refused(b"\x40\x01\x00\x00\x1fx")  # length 15
    assert refused(b"\x40\x01\x00\x00\xd0")  # cut in the extended delta
    assert refused(b"\x40\x01\x00\x00\xe0\x00")
    assert refused(b"\x40\x01\x00\x00\x1d")  # cut in the extended length
    assert refused(b"\x40\x01\x00\x00\x12x")  # cut in the value
    assert refused(b"\x40\x01\x00\x00\xe0\xff\xff")  # number 65804
    assert refused(b"\x40\x01\x00\x00\xe0\xfe\xf2\x10")  # number 65535 + 1


def test_every_prefix_of_a_message():
    wire = bytes(Message(POST, b"payload", [(11, bytes(300)), (300, b"v")], token=b"tok").encode())
    accepted = [n for n in range(len(wire)) if not refused(wire[:n])]
    # Whole only: before the options, after each option, and anywhere in the payload.
    assert accepted == [7, 310, 314] + list(range(316, len(wire)))


def test_refuses_to_encode():
    assert unencodable(code=256)
    assert unencodable(code=-1)
    assert unencodable(code=1, type=4)
    assert unencodable(code=1, message_id=65536)
    assert unencodable(code=1, token=bytes(9))
    assert unencodable(code=1, options=[(65536, b"")])
    assert unencodable(code=1, options=[(70000, b"")])
    assert unencodable(code=1, options=[(-1, b"")])
    assert unencodable(code=1, options=[(12, b""), (11, b"")])
    assert unencodable(code=1, options=[(1, bytes(65805))])
    assert unencodable(token=b"t")  # Empty, but not empty
    assert unencodable(payload=b"p")


def test_option_uint():
    for n, value in (
        (0, b""),
        (1, b"\x01"),
        (255, b"\xff"),
        (256, b"\x01\x00"),
        (0xF0000, b"\x0f\0\0"),
    ):
        assert option_uint(n) == value
        assert Message(options=[(28, value)]).uint(28) == n


def reason(data):
    try:
        decode(data)
    except ValueError as error:
        return str(error)


def test_a_refusal_says_which_check_failed():
    for data, text in (
        (b"\x40\x01\x00", "cut short"),
        (b"\x80\x01\x00\x00", "CoAP has no such version"),
        (b"\x49\x01\x00\x00", "CoAP has no such token"),
        (b"\x42\x01\x00\x00t", "cut short"),
        (b"\x40\x20\x00\x00", "CoAP has no such code"),
        (b"\x40\x00\x00\x00\xffx", "CoAP has no such payload"),
        (b"\x40\x01\x00\x00\xff", "CoAP has no such payload"),
        (b"\x40\x01\x00\x00\xf1x", "CoAP has no such option"),
        (b"\x40\x01\x00\x00\xe0\xff\xff", "CoAP has no such option"),
        (b"\x40\x01\x00\x00\x1d", "cut short"),
        (b"\x40\x01\x00\x00\x12x", "cut short"),
    ):
        assert reason(data) == text, (data, reason(data))


def test_what_cannot_be_encoded_is_named():
    for fields, part in (
        ({"code": 1, "type": 4}, "type"),
        ({"code": 256}, "code"),
        ({"code": 1, "message_id": -1}, "message_id"),
        ({"code": 1, "token": bytes(9)}, "token"),
        ({"code": 1, "options": [(12, b""), (11, b"")]}, "option"),
        ({"payload": b"p"}, "payload"),
    ):
        try:
            Message(**fields).encode()
        except ValueError as error:
            assert str(error) == "CoAP has no such " + part
        else:
            raise AssertionError(part)
