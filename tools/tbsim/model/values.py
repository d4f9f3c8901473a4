"""Telemetry and attributes as JSON bodies say them, and as the server stores them."""

import json

from .errors import BadRequest, ServerFault


def compact(value) -> bytes:
    """Return a value as JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse_json(body: bytes):
    """Return the JSON value of a body as Gson reads it; NaN and Infinity become strings."""
    try:
        return json.loads(body.decode(), parse_constant=str)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def stored_value(value):
    """Return a telemetry or attribute value as the server stores it; BadRequest if it does not."""
    if isinstance(value, str):  # transport.json.type_cast_enabled
        try:
            return int(value) if abs(int(value)) < 1 << 63 else value
        except ValueError:
            try:
                return float(value) if value.strip("+-.eE0123456789") == "" else value
            except ValueError:
                return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return str(value)
    return value


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
    except ValueError:
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
