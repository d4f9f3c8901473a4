# Protobuf messages (proto3) from dicts, and back, by schemas that are plain data. Sans-I/O.
#
# A schema is a dict: the name of each field leads to its number and its type. A type is a word
# such as "int32", a schema (a message), a tuple of (name, number) pairs (an enum), or a list of
# one of these (a repeated field):
#
#     {"temperature": (1, "double"), "pins": (2, ["uint32"]), "gps": (3, {"lat": (1, "float")})}
#
# What a dict has is written, also where it is the default of proto3: a server that tells absent
# fields from such learns that they are there. Enums are given and read as names, or as numbers
# that no name stands for.

import struct

from coap import TransferError
from micropython import const

_VARINT = const(0)  # wire types
_FIXED64 = const(1)
_BYTES = const(2)
_FIXED32 = const(5)
_ONES = (1 << 64) - 1

# By word: struct's format.
_FIXED = {
    "double": "<d",
    "fixed64": "<Q",
    "sfixed64": "<q",
    "float": "<f",
    "fixed32": "<I",
    "sfixed32": "<i",
}
# By word: the least and the largest int.
_RANGES = {
    "bool": (0, 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "sint32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "sint64": (-(1 << 63), (1 << 63) - 1),
    "uint64": (0, _ONES),
    "fixed64": (0, _ONES),
    "sfixed64": (-(1 << 63), (1 << 63) - 1),
    "fixed32": (0, (1 << 32) - 1),
    "sfixed32": (-(1 << 31), (1 << 31) - 1),
}


def encode(schema, values):
    """Return the message of a dict; None stands for a field that is not there.

    Raises ValueError, which names the field, for what the schema cannot say.
    """
    out = bytearray()
    for name in values:
        value = values[name]
        if name not in schema:
            raise ValueError("the schema has no field " + name)
        number, type = schema[name]
        if value is None:
            continue
        try:
            if isinstance(type, list):
                for item in value:
                    _put(out, number, type[0], item)
            else:
                _put(out, number, type, value)
        except (TypeError, OverflowError, AttributeError, ValueError) as error:
            text = str(error)
            raise ValueError(name + (": " + text if isinstance(error, ValueError) else ""))
    return bytes(out)


def _put(out, number, type, value):
    if isinstance(type, dict):
        put_bytes(out, number, encode(type, value))
    elif type == "string":
        put_bytes(out, number, value.encode())
    elif type == "bytes":
        put_bytes(out, number, bytes(value))
    else:
        value = _number(type, value)
        if type in _FIXED:
            data = struct.pack(_FIXED[type], value)
            _put_varint(out, number << 3 | (_FIXED64 if len(data) == 8 else _FIXED32))
            out.extend(data)
            return
        if type in ("sint32", "sint64"):
            value = value << 1 if value >= 0 else ~(value << 1)
        _put_varint(out, number << 3)
        _put_varint(out, value & _ONES)


def _number(type, value):
    # The number to write. Raises ValueError.
    if isinstance(value, bool):
        value = int(value)
    if isinstance(type, tuple):
        value = dict(type).get(value, value)
        type = "int32"
    if type in ("double", "float"):
        if not isinstance(value, (int, float)):
            raise ValueError("%r is no number" % (value,))
        return value
    least, largest = _RANGES[type]
    if not isinstance(value, int) or not least <= value <= largest:
        raise ValueError("%r is not within %d to %d" % (value, least, largest))
    return value


def put_bytes(out, number, data):
    """Append a field of text, bytes or a message to a bytearray."""
    _put_varint(out, number << 3 | _BYTES)
    _put_varint(out, len(data))
    out.extend(data)


def _put_varint(out, n):
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)


def decode(schema, data):
    """Return the fields of a message as a dict; unknown ones are left out.

    A field that came in another type than the schema's raises TransferError, as what is cut does.
    """
    fields = {}
    for name in schema:
        number, type = schema[name]
        fields[number] = (name, type)
    values = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            raw, at = varint(data, at)
        else:
            if wire == _BYTES:
                size, at = varint(data, at)
            elif wire in (_FIXED64, _FIXED32):
                size = 8 if wire == _FIXED64 else 4
            else:
                raise TransferError("the server's Protobuf is none")
            raw = data[at : at + size]
            at += size
            if len(raw) < size:
                raise TransferError("the server's Protobuf is cut short")
        if number not in fields:
            continue
        name, type = fields[number]
        if not isinstance(type, list):
            values[name] = _value(type, wire, raw)
        elif wire == _BYTES and _is_scalar(type[0]):
            values.setdefault(name, []).extend(_packed(type[0], raw))
        else:
            values.setdefault(name, []).append(_value(type[0], wire, raw))
    return values


def _is_scalar(type):
    return not (isinstance(type, dict) or type in ("string", "bytes"))


def _packed(type, data):
    # The items of a repeated field that came as one.
    size = struct.calcsize(_FIXED[type]) if type in _FIXED else 0
    items = []
    at = 0
    while at < len(data):
        if size:
            items.append(_value(type, _FIXED64 if size == 8 else _FIXED32, data[at : at + size]))
            at += size
        else:
            raw, at = varint(data, at)
            items.append(_value(type, _VARINT, raw))
    return items


def _value(type, wire, raw):
    # A field's value. raw is an int for a varint, and bytes for all else.
    if wire == _BYTES:
        if isinstance(type, dict):
            return decode(type, raw)
        if type == "bytes":
            return bytes(raw)
        if type == "string":
            try:
                return bytes(raw).decode()
            except UnicodeError:
                pass
    elif _is_scalar(type) and (type in _FIXED) != (wire == _VARINT):
        if wire == _VARINT:
            return _from_varint(type, raw)
        if len(raw) == struct.calcsize(_FIXED[type]):
            return struct.unpack(_FIXED[type], raw)[0]
    raise TransferError("the server's Protobuf has a field of another type")


def _from_varint(type, n):
    if type == "bool":
        return n != 0
    if type in ("sint32", "sint64"):
        return n >> 1 ^ -(n & 1)
    if n >> 63 and type not in ("uint32", "uint64"):
        n -= 1 << 64
    if isinstance(type, tuple):
        for name, number in type:
            if number == n:
                return name
    return n


def varint(data, at):
    """Return an unsigned number and where it ends. Raises TransferError for what is cut."""
    n = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        if byte < 128:
            return n & _ONES, at
        shift += 7
    raise TransferError("the server's Protobuf is cut short")
