"""The table of routes, and the way of a request to them and back.

A route is a function of a Call that returns what JSON can say, None for an empty answer, or a
response. It runs in the simulator's thread, so it sees the store at rest.
"""

import asyncio
from http import HTTPStatus

from aiohttp import web

from ...simulator import RPCError
from ..server import SIMULATOR, WebServer, ask
from . import devices, packages, query, values
from .access import Access
from .call import Call, Upload
from .errors import RestError, bad_request

ACCESS = web.AppKey("access", Access)
TELEMETRY = "/api/plugins/telemetry/DEVICE/{id}"
RPC_S = 10.0  # server.rest.server_side_rpc.default_timeout
RPC_LEAST_S = 5.0  # min_timeout

ROUTES = [
    ("GET", "/api/device/{id}", devices.device),
    ("GET", "/api/device/info/{id}", devices.device_info),
    ("GET", "/api/tenant/devices", devices.devices),
    ("GET", "/api/tenant/device", devices.devices),
    ("GET", "/api/tenant/deviceInfos", devices.device_infos),
    ("POST", "/api/device", devices.save_device),
    ("GET", "/api/deviceProfile/{id}", devices.profile),
    ("GET", "/api/deviceProfileInfo/default", devices.default_profile_info),
    ("GET", "/api/deviceProfileInfo/{id}", devices.profile_info),
    ("GET", "/api/deviceProfiles", devices.profiles),
    ("GET", "/api/deviceProfileInfos", devices.profile_infos),
    ("POST", "/api/deviceProfile", devices.save_profile),
    ("POST", "/api/otaPackage", packages.save),
    ("POST", "/api/otaPackage/{id}", packages.upload),
    ("GET", "/api/otaPackage/{id}", packages.info),
    ("GET", "/api/otaPackage/info/{id}", packages.info),
    ("GET", "/api/otaPackage/{id}/download", packages.download),
    ("DELETE", "/api/otaPackage/{id}", packages.delete),
    ("GET", "/api/otaPackages", packages.packages),
    ("GET", "/api/otaPackages/{profile}/{type}", packages.packages),
    ("GET", TELEMETRY + "/values/attributes", values.read_attributes),
    ("GET", TELEMETRY + "/values/attributes/{scope}", values.read_attributes),
    ("POST", TELEMETRY + "/attributes/{scope}", values.save_attributes),
    ("POST", TELEMETRY + "/{scope}", values.save_attributes),
    ("DELETE", TELEMETRY + "/{scope}", values.delete_attributes),
    ("GET", TELEMETRY + "/values/timeseries", values.telemetry),
    ("GET", TELEMETRY + "/keys/timeseries", values.telemetry_keys),
    ("POST", "/api/entitiesQuery/find", query.find),
]


def mount(server: WebServer) -> None:
    """Add the routes to a web server."""
    app = server.app
    app[ACCESS] = Access()
    app.router.add_post("/api/auth/login", answered(log_in))
    app.router.add_post("/api/auth/token", answered(renew))
    app.router.add_post("/api/rpc/{way:oneway|twoway}/{id}", answered(command))
    for method, path, function in ROUTES:
        app.router.add_route(method, path, answered(stored(function)))


def answered(handler):
    """Return a handler whose refusals are answered as the server words them."""

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RestError as error:
            return error.response()

    return answering


def stored(function):
    """Return the handler that has a route's function done in the simulator's thread."""

    async def handler(request: web.Request) -> web.StreamResponse:
        result = await ask(request, function, await read(request))
        if isinstance(result, web.StreamResponse):
            return result
        return web.Response() if result is None else web.json_response(result)

    return handler


async def read(request: web.Request) -> Call:
    """Return a request that may pass, whole."""
    check(request)
    call = Call(request.app[SIMULATOR], dict(request.match_info), request.query)
    if request.content_type.startswith("multipart/"):
        part = (await request.post()).get("file")
        if isinstance(part, web.FileField):
            call.body = Upload(part.filename, part.content_type, part.file.read())
    elif request.can_read_body:
        call.body = values.parse_text(await request.read())
    return call


def check(request: web.Request) -> None:
    """Raise RestError unless the request may pass."""
    header = request.headers.get("X-Authorization") or request.headers.get("Authorization")
    request.app[ACCESS].check(header)


async def log_in(request: web.Request) -> web.Response:
    body = values.parse_text(await request.read())
    return web.json_response(request.app[ACCESS].log_in(body))


async def renew(request: web.Request) -> web.Response:
    body = values.parse_text(await request.read())
    return web.json_response(request.app[ACCESS].renew(body))


async def command(request: web.Request) -> web.Response:
    """Send a command. A device that does not answer is 504, without a word."""
    call = await read(request)
    device = await ask(request, devices.device_of, call)
    fields = call.fields()
    method, timeout = fields.get("method"), fields.get("timeout")
    if not isinstance(method, str) or not method:
        raise bad_request("Invalid request body")
    seconds = max(timeout / 1000, RPC_LEAST_S) if isinstance(timeout, int) else RPC_S
    two_way = request.match_info["way"] == "twoway"
    try:
        reply = await asyncio.to_thread(
            call.sim.rpc, device, method, fields.get("params"), two_way, seconds
        )
    except RPCError:
        return web.Response(status=HTTPStatus.GATEWAY_TIMEOUT)
    return web.json_response(reply) if two_way else web.Response()
