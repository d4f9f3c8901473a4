"""What the server has of many devices, in few requests: the query that its dashboards make."""

from tools.publish.board import ACTIVITY, Report
from tools.publish.server import Server

AT_ONCE = 200  # devices in a query
BY_NAME = {"key": {"type": "ENTITY_FIELD", "key": "name"}, "direction": "ASC"}
HISTORY = 100  # states of one device


async def latest(
    server: Server,
    ids: list[str],
    telemetry: list[str],
    client: list[str] = (),
    attributes: list[str] = (ACTIVITY,),
) -> dict[str, Report]:
    """Return {id: {key: (ts, value)}}. telemetry, client, attributes: keys of telemetry, of client
    and of server attributes; what a device does not have is not there.
    """
    sorts = {"TIME_SERIES": telemetry, "CLIENT_ATTRIBUTE": client, "SERVER_ATTRIBUTE": attributes}
    wanted = [{"type": sort, "key": key} for sort, keys in sorts.items() for key in keys]
    reports: dict[str, Report] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        query = {
            "entityFilter": {"type": "entityList", "entityType": "DEVICE", "entityList": some},
            "entityFields": [{"type": "ENTITY_FIELD", "key": "name"}],
            "latestValues": wanted,
            "keyFilters": [],
            "pageLink": {"page": 0, "pageSize": AT_ONCE, "sortOrder": BY_NAME},
        }
        page = await server.post("/api/entitiesQuery/find", "looking at the devices", query)
        for row in server.rows(page):
            values = {}
            for sort in sorts:
                values |= row["latest"].get(sort) or {}
            reports[row["entityId"]["id"]] = {
                key: (value["ts"], value["value"]) for key, value in values.items() if value["ts"]
            }
    return reports


async def states(server: Server, id: str, kind: str, since_ms: int) -> list[tuple[int, str]]:
    """Return (ts, state) of what a device told of its updates since a time."""
    key = f"{kind}_state"
    history = await server.get(
        f"/api/plugins/telemetry/DEVICE/{id}/values/timeseries",
        "looking at a device",
        keys=key,
        startTs=since_ms,
        endTs=server.now_ms + 60_000,
        limit=HISTORY,
    )
    return [(point["ts"], str(point["value"])) for point in history.get(key, [])]
