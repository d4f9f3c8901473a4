# Every payload goes through the codec: a device whose profile has a format of its owner's.

from coap.message import Message
from fakes import Board, Client, run
from thingsboard.clock import Clock
from thingsboard.device import Device
from thingsboard.outbox import Outbox
from thingsboard.provisioning import provision


class Lines:
    """A payload is its kind and `name=value` pairs, sorted; a batch is one record."""

    def encode(self, kind, values):
        return ("%s %s" % (kind, self.record(values))).encode()

    def record(self, values):
        return ",".join(["%s=%s" % (name, values[name]) for name in sorted(values)])

    def batch(self, records, limit):
        record, ts = records[0]
        return 1, ("at %d %s" % (ts, record)).encode()

    def decode(self, kind, payload):
        pairs = [pair.split("=") for pair in payload.decode().split(",")]
        values = dict([(name, kind + " " + value) for name, value in pairs])
        return {"shared": values} if kind == "attributes" else values


def device(*answers):
    client = Client(*answers)
    return Device(client, "TOK", clock=Clock(Board()), payload=Lines()), client


def sent(client):
    return [payload for _, _, payload in client.requests]


def test_what_the_verbs_send():
    it, client = device()
    run(it.send_telemetry({"t": 1}))
    run(it.send_telemetry({"t": 1}, ts=5))
    run(it.send_attributes({"a": 1}))
    run(it.claim("s", 7))
    assert sent(client) == [
        b"telemetry t=1",
        b"telemetry ts=5,values={'t': 1}",
        b"attributes a=1",
        b"claim durationMs=7,secretKey=s",
    ]


def test_what_the_verbs_are_answered():
    it, client = device(Message(0x45, b"x=1"), Message(0x45, b"time=5"))
    assert run(it.request_attributes()) == {"shared": {"x": "attributes 1"}}
    assert run(it.call("getTime")) == {"time": "answer 5"}
    assert sent(client)[1] == b"call method=getTime,params=None"


def test_attributes_and_commands():
    it, client = device()
    it.attributes.take(b"a=1,b=2", True)
    it.attributes.take(b"b=3", False)
    assert it.shared == {"a": "state 1", "b": "change 3"}
    it.on_rpc("command set", lambda params: {"took": params})
    run(it.commands.take(b"id=3,method=set,params=9"))
    assert sent(client) == [b"reply took=command 9"]


def test_the_outbox_sends_one_record_at_a_time():
    it, client = device()
    it.clock.set(1000)
    it.record({"t": 1})
    it.record({"t": 2}, ts=7)
    it.record({"t": 3}, ts=8)
    it.record({"t": 4}, ts=9)
    batches = []
    while payload := it.outbox.batch():
        batches.append(payload)
        it.outbox.accepted()
    assert batches == [b"at 1000 t=1", b"at 7 t=2", b"at 8 t=3", b"at 9 t=4"]


def test_an_outbox_of_the_callers_has_its_own_codec():
    clock = Clock(Board())
    clock.set(1000)
    box = Outbox(clock, Lines())
    box.add("t=1")
    assert box.batch() == b"at 1000 t=1"


def test_provisioning():
    client = Client(Message(0x41, b"credentialsValue=x"))
    answer = run(provision(client, "key", "secret", payload=Lines(), deviceName="d"))
    assert answer == {"credentialsValue": "credentials x"}
    assert sent(client) == [
        b"provision deviceName=d,provisionDeviceKey=key,provisionDeviceSecret=secret"
    ]
