# The codec of a Protobuf profile: the server's own bytes, and schemas of an owner.

from binascii import hexlify, unhexlify

from coap import TransferError
from coap.message import Message
from fakes import Client, raised, run
from rows import rows
from thingsboard.payload_protobuf import Members, Protobuf
from thingsboard.protobuf import encode
from thingsboard.provisioning import provision

TS = "08" + "80d8c1a28c34"  # 1790000000000 as the field 1


def in_order(text):
    # MicroPython's dicts have no order, and the fields of a message need none.
    return sorted(text)


def bytes_of(kind, values):
    return hexlify(Protobuf().encode(kind, values)).decode()


@rows(
    ("telemetry", {"temperature": 21.5}, "090000000000803540"),
    (
        "telemetry",
        {"innerObject": {"key1": "a", "key2": False, "key4": 5}},
        "1a070a0161" + "10002005",
    ),
    ("telemetry", {"ts": 5, "values": {"humidity": 0.0}}, "110000000000000000"),
    ("attributes", {"firmwareVersion": "1.0", "serialNumber": "s1"}, "0a03312e3012027331"),
    ("call", {"method": "getTime", "params": None}, "0a0767657454696d6512046e756c6c"),
    ("reply", {"payload": "ok"}, "0a026f6b"),
    ("reply", {"error": "x"}, "0a0e" + hexlify(b'{"error": "x"}').decode()),
    ("claim", {"secretKey": "s", "durationMs": 7}, "0a01731007"),
)
def test_what_is_sent(kind, values, golden):
    assert in_order(bytes_of(kind, values)) == in_order(golden)


def test_several_records_are_refused():
    assert raised(ValueError, lambda: Protobuf().encode("telemetry", [{"humidity": 1.0}]))


def entry(ts, kv):
    body = unhexlify(ts) + b"\x12" + bytes((len(kv) // 2,)) + unhexlify(kv)
    return hexlify(bytes((len(body),)) + body).decode()


@rows(
    ("0a0162" + "1801", {"b": True}),
    ("0a0166", {"f": False}),
    ("0a0169" + "1001" + "2005", {"i": 5}),
    ("0a017a" + "1001", {"z": 0}),
    ("0a0173" + "1003" + "320474657874", {"s": "text"}),
    ("0a0165" + "1003", {"e": ""}),
    ("0a0164" + "1002" + "29000000000000f83f", {"d": 1.5}),
    ("0a016a" + "1004" + "3a077b2261223a317d", {"j": {"a": 1}}),
    ("0a0178" + "1009", {}),
    ("1801", {}),
)
def test_attributes_of_each_type(kv, values):
    read = Protobuf().decode
    assert read("state", unhexlify("0a" + entry(TS, kv))) == values
    assert read("change", unhexlify("0a" + entry(TS, kv))) == values
    assert read("attributes", unhexlify("1a" + entry(TS, kv))) == {"shared": values}
    assert read("attributes", unhexlify("12" + entry(TS, kv))) == {"client": values}


def test_deletions():
    deleted = unhexlify("12017312" + "0169")
    assert Protobuf().decode("change", deleted) == {"deleted": ["s", "i"]}
    assert Protobuf().decode("state", b"") == {}


@rows(
    ("0a016d" + "1000" + "1a0170", {"method": "m", "requestId": 0, "params": "p", "id": 0}),
    ("0a016d" + "1003", {"method": "m", "requestId": 3, "id": 3}),
)
def test_commands(golden, command):
    assert Protobuf().decode("command", unhexlify(golden)) == command


@rows((b'{"time":5}', {"time": 5}), (b"null", None), (b'"x"', "x"))
def test_answers(text, value):
    payload = b"\x12" + bytes((len(text),)) + text
    assert Protobuf().decode("answer", payload) == value


@rows("1a0178", "12017b", "ff", "5201")
def test_answers_that_are_none(payload):
    raised(TransferError, lambda: Protobuf().decode("answer", unhexlify(payload)))


# An owner's schemas: with the time, and with names of its own.

TIMED = {"ts": (1, "int64"), "values": (2, {"t": (1, "sint32"), "ok": (3, "bool")})}


def test_records_with_their_time():
    codec = Protobuf(TIMED)
    record = codec.record({"t": -1, "ok": True})
    assert sorted(record) == [1, 1, 8, 24]
    assert codec.batch([(record, 5), (b"", 6)]) == (1, b"\x08\x05\x12\x04" + record)
    assert codec.batch([(record, None)]) == (1, b"\x12\x04" + record)
    assert codec.encode("telemetry", {"ts": 5, "values": {"t": -1}}) == b"\x08\x05\x12\x02\x08\x01"


def test_a_record_without_a_time_stands_beside_it():
    schema = dict(TIMED)
    schema.update(TIMED["values"][1])
    schema["ts"] = (101, "int64")
    codec = Protobuf(schema)
    record = codec.record({"t": -1})
    assert record == codec.encode("telemetry", {"t": -1}) == b"\x08\x01"
    assert codec.batch([(record, None)]) == (1, record)
    assert codec.batch([(record, 5)]) == (1, b"\xa8\x06\x05\x12\x02" + record)


def test_records_whose_schema_has_no_time():
    codec = Protobuf()
    record = codec.record({"humidity": 0.0})
    assert codec.batch([(record, 5)]) == (1, record)


def test_names_of_the_owners():
    codec = Protobuf(
        attributes={"serial": (3, "uint32")},
        request={"requestId": (1, "int32"), "method": (2, "string"), "on": (3, "bool")},
        response={"done": (1, "bool")},
    )
    assert codec.encode("attributes", {"serial": 5}) == b"\x18\x05"
    assert codec.encode("reply", {"done": True}) == b"\x08\x01"
    raised(ValueError, lambda: codec.encode("reply", {"payload": "x"}))
    command = codec.decode("command", b"\x08\x02\x12\x01m\x18\x01")
    assert command["id"] == 2 and command["method"] == "m" and command["on"] is True


# Provisioning


def test_a_request_for_credentials():
    client = Client(Message(0x41, b"\x08\x01\x1a\x01T"))
    answer = run(provision(client, "key", "secret", payload=Protobuf(), deviceName="d"))
    assert answer["credentialsType"] == "ACCESS_TOKEN" and answer["credentialsValue"] == "T"
    payload = client.requests[0][2]
    assert b"\x0a\x01d" in payload and b"\x1a\x0d" in payload and len(payload) == 18
    assert b"\x0a\x03key" in payload and b"\x12\x06secret" in payload


@rows(
    ({"token": "t"}, "22050a030a0174"),
    ({"hash": "h", "credentialsType": "X509_CERTIFICATE"}, "220512030a0168"),
    ({"clientId": "c"}, "22051a030a0163"),
    ({"password": "p"}, "22051a031a0170"),
)
def test_own_credentials(fields, golden):
    assert golden in bytes_of("provision", dict(provisionDeviceKey="k", **fields))


@rows((b"\x08\x03", "exists"), (b"\x08\x02", "wrong key"), (b"\xff", "4.00"), (b"", "4.00"))
def test_refusals(payload, text):
    client = Client(Message(0x80, payload))
    error = raised(ValueError, lambda: provision(client, "k", "s", payload=Protobuf()))
    assert text in str(error)


# All attributes in pieces


def state(**sizes):
    kv = {"key": (1, "string"), "type": (2, "int32"), "string_v": (6, "string")}
    schema = {"all": (1, [{"ts": (1, "int64"), "kv": (2, kv)}])}
    entries = []
    for name in sorted(sizes):
        value = {"key": name, "type": 3, "string_v": "x" * sizes[name]}
        entries.append({"ts": 1790000000000, "kv": value})
    return encode(schema, {"all": entries})


@rows(1, 7, 64, 1024)
def test_what_fits_is_kept_and_the_rest_named(piece):
    data = state(a=10, b=5000, c=0, d=400)
    members = Members()
    for at in range(0, len(data), piece):
        members.feed(data[at : at + piece])
    members.end()
    assert members.values == {"a": "x" * 10, "c": "", "d": "x" * 400}
    assert members.skipped == ["b"]


def test_a_large_value_with_a_name_that_is_no_text():
    members = Members()
    members.feed(state(kkkk=5000, after=3).replace(b"kkkk", b"\xff\xfe\xff\xfe"))
    members.end()
    assert members.values == {"after": "xxx"} and members.skipped == ["a name of 4 bytes"]


def test_all_that_is_kept_has_a_bound():
    members = Members()
    members.feed(state(**{"k%d" % n: 3000 for n in range(8)}))
    assert len(members.values) == 5 and len(members.skipped) == 3


@rows(1, 30, 5100)
def test_a_state_that_is_cut(end):
    members = Members()
    members.feed(state(a=10, b=5000)[:end])
    if end == 30:
        raised(TransferError, members.end)
    else:
        raised(TransferError, members.end)


def test_what_is_no_list():
    raised(TransferError, lambda: Members().feed(b"\x08\x01"))
