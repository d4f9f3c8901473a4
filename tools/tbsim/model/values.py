"""Telemetry and attributes as JSON bodies say them, and as the server stores them."""

import json
import re
import zlib
from decimal import Decimal

from . import gson
from .errors import BadRequest, ServerFault

MAX_INTEGER = 1 << 63
MAX_SCALE = 16  # digits behind the decimal point; a number with more is stored as text
MAX_EXPONENT = 10_000  # of a number that is written out as text
# Text that is stored as a number (transport.json.type_cast_enabled; NumberUtils.isParsable).
PARSABLE = re.compile(r"-?\d*\.?\d+", re.ASCII)


def compact(value) -> bytes:
    """Return a value as JSON without blanks; half a surrogate pair becomes "?", as in Java."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def in_hash_order(values: dict) -> dict:
    """Return the same in an order that has nothing to do with when keys were set; the server's is
    that of hashes.
    """
    return {key: values[key] for key in sorted(values, key=lambda key: zlib.crc32(key.encode()))}


def parse_json(body: bytes):
    """Return the JSON value of a body as Gson reads it; BadRequest for what is none."""
    try:
        return gson.read(body)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def stored_value(value):
    """Return a telemetry or attribute value as the server stores it: text that reads as a number
    is one, and a number beyond 64 bits, or with too many decimals, is text.
    """
    if isinstance(value, float):
        return _stored_number(getattr(value, "text", repr(value)))
    if isinstance(value, str):
        return _stored_number(value) if PARSABLE.fullmatch(value) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return _stored_number(str(value))
    return value


def _stored_number(text: str):
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if not number.is_finite() or exponent > MAX_EXPONENT:
        return text
    has_point_only = "." in text and "e" not in text.lower()
    if number == number.to_integral_value() and not has_point_only:
        return int(number) if -MAX_INTEGER <= number < MAX_INTEGER else format(number, "f")
    if -exponent > MAX_SCALE:
        return format(number, "f")
    return float(number) + 0.0  # the server knows no -0.0


def parse_values(value) -> dict:
    """Return the keys and values of an object as the server stores them; nulls are left out."""
    if not isinstance(value, dict):
        raise BadRequest("not an object")
    return {k: stored_value(v) for k, v in value.items() if v is not None}


def without_nulls(value):
    """Return a value without the members of its objects that are null; lists keep theirs."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def parse_ts(value) -> int:
    """Return the time of a telemetry object in Unix milliseconds."""
    if isinstance(value, list):
        if len(value) != 1:
            raise BadRequest("ts")
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ServerFault("ts")
    try:
        return int(value)
    except (ValueError, OverflowError):
        raise ServerFault("ts") from None


def parse_telemetry(body: bytes, now_ms: int) -> list[tuple[int, dict]]:
    """Return [(ts, values)] of a telemetry body; empty for `[]`, which is never answered."""
    value = parse_json(body)
    points = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            raise BadRequest("not an object")
        ts, values = now_ms, item
        if "ts" in item and "values" in item:
            ts, values = parse_ts(item["ts"]), item["values"]
        points.append((ts, parse_values(without_nulls(values))))
    return points
