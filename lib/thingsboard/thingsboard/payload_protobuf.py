# Payloads of a Protobuf device profile; `Device(payload=Protobuf())` has the server's default
# schemas. Sans-I/O.
#
# The profile's four schemas are the owner's (protobuf.py says how they are written, and
# `python -m tools.protobuf` makes them from a .proto file); the other messages are the server's
# own (transport.proto, queue.proto). payload_json.py says what a codec is.

import json

from coap import TransferError
from micropython import const

from .protobuf import decode, encode, put_bytes, varint

TELEMETRY = {
    "temperature": (1, "double"),
    "humidity": (2, "double"),
    "innerObject": (
        3,
        {
            "key1": (1, "string"),
            "key2": (2, "bool"),
            "key3": (3, "double"),
            "key4": (4, "int32"),
            "key5": (5, "string"),
        },
    ),
}
ATTRIBUTES = {"firmwareVersion": (1, "string"), "serialNumber": (2, "string")}
REQUEST = {"method": (1, "string"), "requestId": (2, "int32"), "params": (3, "string")}
RESPONSE = {"payload": (1, "string")}

_VALUE = const(4096)  # bytes of an attribute that is kept
_TOTAL = const(16384)  # bytes of all that are
_HEAD = const(300)  # bytes, which have the name of an entry
_LENGTH = const(2)  # the wire type of an entry
_TIME = const(0x08)  # the key of its first field

# The type of an attribute's value, in the order of the server's numbers, and the field it is in.
# What is the default (false, 0, "") does not come.
_KINDS = (("bool_v", False), ("long_v", 0), ("double_v", 0.0), ("string_v", ""), ("json_v", ""))
_JSON = const(4)
_ENTRY = {
    "kv": (
        2,
        {
            "key": (1, "string"),
            "type": (2, "int32"),
            "bool_v": (3, "bool"),
            "long_v": (4, "int64"),
            "double_v": (5, "double"),
            "string_v": (6, "string"),
            "json_v": (7, "string"),
        },
    )
}
_CHANGE = {"updated": (1, [_ENTRY]), "deleted": (2, ["string"])}
_READ = {"client": (2, [_ENTRY]), "shared": (3, [_ENTRY])}
_CALL = {"method": (1, "string"), "params": (2, "string")}
_ANSWER = {"payload": (2, "string"), "error": (3, "string")}
_CLAIM = {"secretKey": (1, "string"), "durationMs": (2, "int64")}
_TYPES = (
    ("ACCESS_TOKEN", 0),
    ("X509_CERTIFICATE", 1),
    ("MQTT_BASIC", 2),
    ("LWM2M_CREDENTIALS", 3),
)
_PROVISION = {
    "deviceName": (1, "string"),
    "credentialsType": (2, _TYPES),
    "profile": (
        3,
        {"provisionDeviceKey": (1, "string"), "provisionDeviceSecret": (2, "string")},
    ),
    "credentials": (
        4,
        {
            "access": (1, {"token": (1, "string")}),
            "certificate": (2, {"hash": (1, "string")}),
            "basic": (
                3,
                {"clientId": (1, "string"), "username": (2, "string"), "password": (3, "string")},
            ),
        },
    ),
    "gateway": (5, "bool"),
}
_PLACES = {  # by the name in JSON: the message it is in, and its name there
    "token": ("access", "token"),
    "hash": ("certificate", "hash"),
    "clientId": ("basic", "clientId"),
    "username": ("basic", "username"),
    "password": ("basic", "password"),
}
_CREDENTIALS = {
    "status": (1, (("UNKNOWN", 0), ("SUCCESS", 1), ("NOT_FOUND", 2), ("FAILURE", 3))),
    "credentialsType": (2, _TYPES),
    "credentialsValue": (3, "string"),
}


class Members:
    """Takes all attributes in pieces: values has what fits, skipped the names of the rest."""

    def __init__(self):
        self.values = {}
        self.skipped = []
        self._rest = b""  # of an entry that is not whole yet
        self._unwanted = 0  # bytes to come of an entry that is too large
        self._left = _TOTAL

    def feed(self, data):
        """Take the next bytes. Raises TransferError for what is no list of entries."""
        data = self._rest + bytes(data)
        at = 0
        while at < len(data):
            if self._unwanted:
                n = min(self._unwanted, len(data) - at)
                self._unwanted -= n
                at += n
                continue
            try:
                key, begin = varint(data, at)
                size, begin = varint(data, begin)
            except TransferError:  # its head is not whole
                break
            if key & 7 != _LENGTH:
                raise TransferError("the server's Protobuf is no list of attributes")
            if size > min(_VALUE, self._left):
                if len(data) - begin < min(_HEAD, size):
                    break
                self.skipped.append(_name(data[begin : begin + _HEAD]))
                self._unwanted = begin + size - at
                continue
            if len(data) < begin + size:
                break
            self.values.update(_attributes([decode(_ENTRY, data[begin : begin + size])]))
            self._left -= size
            at = begin + size
        self._rest = data[at:]

    def end(self):
        """All has come. Raises TransferError if the last entry is not whole."""
        if self._rest or self._unwanted:
            raise TransferError("the server's Protobuf is cut short")


class Protobuf:
    """A codec for the schemas of one profile: of telemetry, attributes, commands and replies.

    A telemetry schema with the fields `ts` (int64) and `values` (a message) carries the time of a
    record; with any other the server takes its own. The server looks into `values` only if there
    is a `ts`. So the fields of `values` are to be beside it, too, under the same numbers: there
    goes a record without a time; without them it arrives as a value named `values`. A reply whose
    names are not in its schema goes as JSON text into the field `payload`, if there is one.
    """

    Members = Members

    def __init__(
        self, telemetry=TELEMETRY, attributes=ATTRIBUTES, request=REQUEST, response=RESPONSE
    ):
        self.telemetry = telemetry
        self.attributes = attributes
        self.request = request
        self.response = response
        _, self._values = telemetry.get("values", (0, None))
        if "ts" not in telemetry or not isinstance(self._values, dict):
            self._values = None
        values = self._values or ()
        # Whether a record stands beside `ts` as it does in `values`.
        self._beside = all([telemetry.get(name) == values[name] for name in values])

    def encode(self, kind, values):
        """Return the payload of a dict. Raises ValueError, with the name of the field."""
        if kind == "telemetry":
            if isinstance(values, (list, tuple)):
                raise ValueError("a Protobuf profile takes one record at a time")
            if "values" in values and not self._values:
                values = values["values"]
            return encode(self.telemetry, values)
        if kind == "reply":
            return self._reply(values)
        if kind == "call":
            values = {"method": values["method"], "params": json.dumps(values["params"])}
        elif kind == "provision":
            values = _provision(values)
        schemas = {"attributes": self.attributes, "call": _CALL, "claim": _CLAIM}
        return encode(schemas.get(kind, _PROVISION), values)

    def _reply(self, values):
        if "payload" in self.response:
            for name in values:
                if name not in self.response:
                    values = {"payload": json.dumps(values)}
                    break
        return encode(self.response, values)

    def record(self, values):
        """Return a dict as the outbox keeps it, which is bytes; ValueError as encode()."""
        return encode(self._values or self.telemetry, values)

    def batch(self, records, limit=1024):
        """Return 1 and the payload of the first record: a message of this profile has one."""
        record, ts = records[0]
        if not self._values or ts is None and (self._beside or not record):
            return 1, record
        out = bytearray() if ts is None else bytearray(encode(self.telemetry, {"ts": ts}))
        put_bytes(out, self.telemetry["values"][0], record)
        return 1, bytes(out)

    def decode(self, kind, payload):
        """Return what the server says, in the shapes of its JSON. Raises TransferError."""
        if kind == "state" or kind == "change":
            change = decode(_CHANGE, payload)
            values = _attributes(change.get("updated", ()))
            if kind == "change" and change.get("deleted"):
                values["deleted"] = change["deleted"]
            return values
        if kind == "attributes":
            read = decode(_READ, payload)
            return {scope: _attributes(read[scope]) for scope in read}
        if kind == "command":
            command = decode(self.request, payload)
            command["id"] = command.get("requestId", 0)
            return command
        if kind == "answer":
            answer = decode(_ANSWER, payload)
            if "error" in answer:
                raise TransferError("the server's answer is an error")
            return _parsed(answer.get("payload", "null"))
        credentials = {"credentialsType": "ACCESS_TOKEN"}
        credentials.update(decode(_CREDENTIALS, payload))
        return credentials


def _attributes(entries):
    values = {}
    for entry in entries:
        entry = entry.get("kv", {})
        type = entry.get("type", 0)
        if "key" not in entry or not 0 <= type < len(_KINDS):
            continue  # of a later server
        field, default = _KINDS[type]
        value = entry.get(field, default)
        values[entry["key"]] = _parsed(value) if type == _JSON else value
    return values


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        raise TransferError("the server's payload is no JSON")


def _name(head):
    # The name in the first bytes of an entry, which are its time and the begin of its value.
    key, at = varint(head, 0)
    if key == _TIME:
        _, at = varint(head, at)
        _, at = varint(head, at)
    _, at = varint(head, at)
    _, at = varint(head, at)
    size, at = varint(head, at)
    try:
        return head[at : at + size].decode()
    except UnicodeError:  # the name is longer than the head, which may end within a character
        return "a name of %d bytes" % size


def _provision(values):
    # What a request in JSON has side by side, in the messages that Protobuf has it in.
    values = dict(values)
    message = {}
    for name in ("deviceName", "credentialsType", "gateway"):
        if name in values:
            message[name] = values.pop(name)
    parts = {"profile": {}}
    for name in values:
        part, place = _PLACES.get(name, ("profile", name))
        parts.setdefault(part, {})[place] = values[name]
    message["profile"] = parts.pop("profile")
    if parts:
        message["credentials"] = parts
    return message
