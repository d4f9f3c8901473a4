"""Attributes and latest telemetry. Follows TelemetryController, which takes attributes as text."""

import json

from ...model.devices import Device
from ...model.errors import BadRequest
from ...model.values import compact, parse_values
from .call import Call
from .devices import device_of
from .errors import bad_request
from .shapes import is_active

HISTORY = 100  # points of a key, unless the query has another limit
SCOPES = ("CLIENT_SCOPE", "SHARED_SCOPE", "SERVER_SCOPE")


def attributes(device: Device, scope: str, now_ms: int) -> dict:
    """Return the attributes of a scope; of the server's also what DeviceStateService writes."""
    if scope == "CLIENT_SCOPE":
        return device.client_attributes
    if scope == "SHARED_SCOPE":
        return device.shared_attributes
    if not device.heard_ms:
        return {"active": False} | device.server_attributes
    state = {"active": is_active(device, now_ms), "lastActivityTime": device.heard_ms}
    return state | device.server_attributes


def wanted(call: Call, values: dict) -> dict:
    """Return those of the values that the query's `keys` name, all without it."""
    keys = call.query.get("keys")
    return {k: values[k] for k in keys.split(",") if k in values} if keys else values


def read_attributes(call: Call) -> list:
    """Return attributes of the scope in the path, of all without one. When each was set is not
    kept here: all have the time of the answer.
    """
    device, now_ms = device_of(call), call.store.clock_ms()
    scopes = [call.path["scope"]] if "scope" in call.path else SCOPES
    if scopes[0] not in SCOPES:
        raise bad_request(f"Invalid scope: {scopes[0]}")
    values: dict = {}
    for scope in scopes:
        values |= wanted(call, attributes(device, scope, now_ms))
    return [{"lastUpdateTs": now_ms, "key": k, "value": v} for k, v in values.items()]


def save_attributes(call: Call) -> None:
    """Set attributes; text that reads as a number becomes one, as for a device."""
    device, scope = device_of(call), call.path["scope"]
    try:
        values = parse_values(call.body)
    except BadRequest:
        raise bad_request("Request is not a JSON object") from None
    if scope == "SHARED_SCOPE":
        device.set_shared(values)
    elif scope == "SERVER_SCOPE":
        device.server_attributes.update(values)
    else:
        raise bad_request(f"Invalid attributes scope: {scope}")


def delete_attributes(call: Call) -> None:
    device, scope = device_of(call), call.path["scope"]
    keys = [key for key in call.query.get("keys", "").split(",") if key]
    if not keys:
        raise bad_request("Empty keys: " + call.query.get("keys", ""))
    if scope == "SHARED_SCOPE":
        device.delete_shared(keys)
    elif scope in SCOPES:
        held = device.client_attributes if scope == "CLIENT_SCOPE" else device.server_attributes
        for key in keys:
            held.pop(key, None)
    else:
        raise bad_request(f"Invalid attributes scope: {scope}")


def telemetry(call: Call) -> dict:
    """Return the newest point of each key, a key that was asked for without one as null; values
    are text unless useStrictDataTypes.
    """
    if "startTs" in call.query:
        return history(call)
    points = device_of(call).latest_points()
    strict = call.query.get("useStrictDataTypes") == "true"
    keys = call.query.get("keys")
    result: dict = {}
    for key in keys.split(",") if keys else points:
        point, ts = points.get(key), call.store.clock_ms()
        value = point.value if point else None
        if point and not strict:
            value = as_text(value)
        result[key] = [{"ts": point.ts if point else ts, "value": value}]
    return result


def history(call: Call) -> dict:
    """Return points from startTs to before endTs, the newest first unless orderBy is ASC."""
    device, strict = device_of(call), call.query.get("useStrictDataTypes") == "true"
    start, end = call.number("startTs"), call.number("endTs")
    limit = call.number("limit") if "limit" in call.query else HISTORY
    if call.query.get("agg", "NONE") != "NONE":
        raise bad_request("This simulator aggregates nothing")
    newest = call.query.get("orderBy") != "ASC"
    result: dict = {}
    for key in call.query.get("keys", "").split(","):
        found = [p for p in device.telemetry if p.key == key and start <= p.ts < end]
        found.sort(key=lambda point: point.ts, reverse=newest)
        if found:
            result[key] = [
                {"ts": p.ts, "value": p.value if strict else as_text(p.value)}
                for p in found[:limit]
            ]
    return result


def telemetry_keys(call: Call) -> list:
    return list(device_of(call).latest_points())


def as_text(value) -> str:
    """Return a value as the server's text for it."""
    return value if isinstance(value, str) else compact(value).decode()


def parse_text(text: bytes):
    """Return the JSON value of a body; RestError if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise bad_request("Unable to parse the request body as JSON") from None
