# Payloads in JSON, which a ThingsBoard device profile takes unless it says otherwise. Sans-I/O.
#
# A codec is all that the other modules know of a payload's form, and this module is one. Another
# form, such as a Protobuf profile, is another module or object with these four functions and
# Members, which takes in pieces what is larger than memory. Values
# have the shapes of the server's JSON whatever the form is, and `kind` says what they are:
#
#   sent      telemetry  attributes  call (client-side RPC)  reply (to a command)  claim  provision
#   received  attributes (read)  state (the answer to a registration)  change (a notification)
#             command  answer (to a call)  credentials

import json

from coap import TransferError
from micropython import const

from .json_members import Members  # noqa: F401

# Floats go out as in 9.3e+18, without a point. A whole number beyond 64 bits is kept as text by
# the server, and a chart of it ends.
_LARGEST = 9.2e18
# Levels of what a peer sends: comparing deeper ones needs more C stack than a board has.
_DEEPEST = const(64)
_QUOTE = const(34)
_BACKSLASH = const(92)
_OPEN = const(0x7B)  # "{", and "[" with the bit 0x20
_CLOSE = const(0x7D)


def encode(kind, values):
    """Return the payload of a dict; telemetry may be a list of dicts as well.

    Raises ValueError, with the key, for what JSON cannot say, for a float of 9.2e18 and more,
    which would not stay a number, and for an empty list, which the server would never answer.
    """
    if kind == "telemetry" and values and isinstance(values, (list, tuple)):
        return ("[%s]" % ",".join([record(item) for item in values])).encode()
    return record(values).encode()


def record(values):
    """Return a dict as the outbox keeps it, with a length in bytes; ValueError as encode()."""
    if not isinstance(values, dict):
        raise ValueError("a dict is wanted")
    _check(values, "")
    return json.dumps(values, separators=(",", ":"))


def batch(records, limit=1024):
    """Return (count, payload) of as many of the first records as fit limit bytes, at least one.

    records is a list of (record, Unix milliseconds, or None: the server takes its own time).
    """
    parts = []
    size = 1
    for part, ts in records:
        if ts is not None:
            part = '{"ts":%d,"values":%s}' % (ts, part)
        part = part.encode()
        size += len(part) + 1
        if parts and size > limit:
            break
        parts.append(part)
    return len(parts), b"[" + b",".join(parts) + b"]"


def decode(kind, payload):
    """Return what the server says: a dict, or for an answer whatever its rule chain made.

    Raises TransferError for what has another form, is cut short or nested deeper than 64 levels.
    """
    _check_nesting(payload)
    try:
        values = json.loads(payload)
    except ValueError:
        raise TransferError("the server's payload is no JSON")
    if kind != "answer" and not isinstance(values, dict):
        raise TransferError("the server's JSON is no object")
    return values


def _check_nesting(text):
    # MicroPython's parser takes cut JSON for whole, and comparing values that are too deep
    # crashes it.
    depth = 0
    at = 0
    size = len(text)
    find = text.find
    while at < size:
        byte = text[at]
        at += 1
        if byte == _QUOTE:
            escaped = True
            while escaped:
                at = find(b'"', at) + 1
                if not at:
                    raise TransferError("the server's JSON is no JSON: cut short")
                before = at - 2
                while text[before] == _BACKSLASH:
                    before -= 1
                escaped = at - before & 1  # by an odd number of backslashes
        elif byte | 0x20 == _OPEN:
            depth += 1
            if depth > _DEEPEST:
                raise TransferError("the server's JSON is nested too deep")
        elif byte | 0x20 == _CLOSE:
            depth -= 1
    if depth:
        raise TransferError("the server's JSON is no JSON: cut short")


def _check(value, name):
    # MicroPython's json writes nan, and the repr of what it does not know, without complaint.
    what = "not JSON: "
    good = value is None or isinstance(value, (bool, int, str, dict, list, tuple))
    if isinstance(value, dict):
        for key in value:
            good = good and isinstance(key, str)
            _check(value[key], key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, name)
    elif isinstance(value, float):
        good = abs(value) < _LARGEST  # NaN is not
        what = "no number for the server: "
    if not good:
        raise ValueError(what + name)
