"""POST /api/entitiesQuery/find: the latest values of many devices in one answer.

Follows EntityDataQuery as dashboards use it; of the filters those that name devices.
"""

from ...model.devices import Device
from .call import Call, page
from .errors import bad_request
from .shapes import is_active
from .values import SCOPES, as_text, attributes

SCOPE_OF = {
    "CLIENT_ATTRIBUTE": SCOPES[:1],
    "SHARED_ATTRIBUTE": SCOPES[1:2],
    "SERVER_ATTRIBUTE": SCOPES[2:],
    "ATTRIBUTE": SCOPES,
}


def find(call: Call) -> dict:
    """Return a page of {"entityId", "latest"}; a value that is not there is "" at time 0."""
    fields = call.fields()
    link = as_object(fields.get("pageLink"))
    size, number = link.get("pageSize"), link.get("page", 0)
    if type(size) is not int or type(number) is not int or number < 0:
        raise bad_request("Incorrect page link")
    if fields.get("keyFilters"):
        raise bad_request("This simulator knows no key filters")
    found = sorted(
        chosen(call, as_object(fields.get("entityFilter"))), key=lambda device: device.name
    )
    now_ms = call.store.clock_ms()
    keys = [key_of(key) for key in as_list(fields.get("entityFields"))]
    keys += [key_of(key) for key in as_list(fields.get("latestValues"))]
    data = [told(device, keys, now_ms) for device in found[number * size :][:size]]
    return page(data, len(found), size, number)


def chosen(call: Call, entity_filter: dict) -> list[Device]:
    """Return the devices that a filter means."""
    devices = call.store.devices.values()
    kind = entity_filter.get("type")
    if kind == "entityList":
        ids = as_list(entity_filter.get("entityList"))
        return [device for device in devices if device.id in ids]
    if kind == "singleEntity":
        id = as_object(entity_filter.get("singleEntity")).get("id")
        return [device for device in devices if device.id == id]
    if kind == "deviceType":
        types = as_list(entity_filter.get("deviceTypes"))
        start = str(entity_filter.get("deviceNameFilter") or "").lower()
        found = [device for device in devices if device.profile.name in types]
        return [device for device in found if device.name.lower().startswith(start)]
    if kind == "entityType" and entity_filter.get("entityType") == "DEVICE":
        return list(devices)
    raise bad_request(f"This simulator knows no filter {kind}")


def as_object(value) -> dict:
    if not isinstance(value, (dict, type(None))):
        raise bad_request("Invalid request body")
    return value or {}


def as_list(value) -> list:
    if not isinstance(value, (list, type(None))):
        raise bad_request("Invalid request body")
    return value or []


def key_of(value) -> tuple[str, str]:
    """Return type and name of an EntityKey."""
    fields = as_object(value)
    return str(fields.get("type")), str(fields.get("key"))


def told(device: Device, keys: list[tuple[str, str]], now_ms: int) -> dict:
    latest: dict[str, dict] = {}
    points = device.latest_points()
    for kind, key in keys:
        latest.setdefault(kind, {})[key] = value_of(device, points, kind, key, now_ms)
    id = {"entityType": "DEVICE", "id": device.id}
    return {"entityId": id, "latest": latest, "timeseries": {}, "aggLatest": {}}


def value_of(device: Device, points: dict, kind: str, key: str, now_ms: int) -> dict:
    """Return {"ts", "value"}, the value as text."""
    if kind == "TIME_SERIES":
        point = points.get(key)
        return {"ts": point.ts, "value": as_text(point.value)} if point else nothing()
    if kind == "ENTITY_FIELD":
        fields = {"name": device.name, "type": device.profile.name}
        fields |= {"createdTime": device.created_ms, "active": is_active(device, now_ms)}
        return {"ts": now_ms, "value": as_text(fields[key])} if key in fields else nothing()
    for scope in SCOPE_OF.get(kind, ()):
        values = attributes(device, scope, now_ms)
        if key in values:
            return {"ts": now_ms, "value": as_text(values[key])}
    return nothing()


def nothing() -> dict:
    return {"ts": 0, "value": ""}
