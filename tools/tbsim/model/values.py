"""Telemetry and attributes as JSON bodies say them, and as the server stores them."""

import json

from .errors import BadRequest, ServerFault

MAX_INTEGER = 1 << 63


def compact(value) -> bytes:
    """Return a value as JSON without blanks; half a surrogate pair becomes "?", as in Java."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def parse_json(body: bytes):
    """Return the JSON value of a body as Gson reads it; NaN and Infinity become strings.

    Raises BadRequest for what is no JSON, or nested deeper than anybody reads.
    """
    try:
        return json.loads(body.decode(), parse_constant=str)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("nested too deeply") from None


def stored_value(value):
    """Return a telemetry or attribute value as the server stores it: text that reads as a number
    is one (transport.json.type_cast_enabled), and an integer beyond 64 bits is text.
    """
    if isinstance(value, str):
        return _number_or_text(value)
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        return str(value)
    return value


def _number_or_text(text: str):
    try:
        number = int(text)
    except ValueError:
        pass
    else:
        return number if abs(number) < MAX_INTEGER else text
    if text.strip("+-.eE0123456789"):
        return text
    try:
        return float(text)
    except ValueError:
        return text


def parse_values(value) -> dict:
    """Return the keys and values of an object as the server stores them; nulls are left out."""
    if not isinstance(value, dict):
        raise BadRequest("not an object")
    return {k: stored_value(v) for k, v in value.items() if v is not None}


def parse_ts(value) -> int:
    """Return the time of a telemetry object in Unix milliseconds."""
    if isinstance(value, list):
        if len(value) != 1:
            raise BadRequest("ts")
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ServerFault("ts")
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError):
        raise ServerFault("ts") from None


def parse_telemetry(body: bytes, now_ms: int) -> list[tuple[int, dict]]:
    """Return [(ts, values)] of a telemetry body; empty for `[]`, which is never answered."""
    value = parse_json(body)
    points = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            raise BadRequest("not an object")
        if "ts" in item and "values" in item:
            points.append((parse_ts(item["ts"]), parse_values(item["values"])))
        else:
            points.append((now_ms, parse_values(item)))
    return points
