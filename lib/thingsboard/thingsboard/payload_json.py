# Payloads in JSON, which a ThingsBoard device profile takes unless it says otherwise. Sans-I/O.
#
# A codec is all that the other modules know of a payload's form, and this module is one. Another
# form, such as a Protobuf profile, is another module or object with these five functions. Values
# have the shapes of the server's JSON whatever the form is, and `kind` says what they are:
#
#   sent      telemetry  attributes  call (client-side RPC)  reply (to a command)  claim  provision
#   received  attributes (read)  state (the answer to a registration)  change (a notification)
#             command  answer (to a call)  credentials

import json

from coap import TransferError
from micropython import const

_BATCH = const(1024)  # bytes of a payload that fits one block


def encode(kind, values):
    """Return the payload of a dict; telemetry may be a list of dicts as well.

    Raises ValueError, with the key, for what JSON cannot say, and for an empty list, which the
    server would never answer.
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


def batch(records):
    """Return (count, payload) of as many of the first records as fit a block, at least one.

    records is a list of (record, Unix milliseconds).
    """
    parts = []
    size = 1
    for values, ts in records:
        part = '{"ts":%d,"values":%s}' % (ts, values)
        size += len(part) + 1
        if parts and size > _BATCH:
            break
        parts.append(part)
    return len(parts), ("[%s]" % ",".join(parts)).encode()


def decode(kind, payload):
    """Return what the server says: a dict, or for an answer whatever its rule chain made.

    Raises TransferError for what has another form.
    """
    try:
        values = json.loads(payload)
    except ValueError:
        raise TransferError("the server's payload is no JSON")
    if kind != "answer" and not isinstance(values, dict):
        raise TransferError("the server's JSON is no object")
    return values


def members():
    """Return what takes the state or a change in pieces: json_members.Members."""
    from .json_members import Members  # only where there are attributes of several blocks

    return Members()


def _check(value, name):
    # MicroPython's json writes nan, and the repr of what it does not know, without complaint.
    good = value is None or isinstance(value, (bool, int, str, dict, list, tuple))
    if isinstance(value, dict):
        for key in value:
            good = good and isinstance(key, str)
            _check(value[key], key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, name)
    elif isinstance(value, float):
        good = value - value == 0  # neither infinite nor NaN
    if not good:
        raise ValueError("not JSON: %s" % name)
