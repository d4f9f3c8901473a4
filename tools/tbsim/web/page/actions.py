"""What a person does: each action is a POST of JSON to /sim/NAME, a package one of its bytes.

The answer is JSON. What is wrong with a request is a ValueError, told as {"error": a sentence},
and nothing is changed then.
"""

import asyncio
import json
from pathlib import PurePath

from aiohttp import web

from tools.package import container

from ...model.devices import Device
from ...model.errors import NotFound
from ...model.packages import KINDS, Package, reassign
from ...model.values import parse_values
from ...simulator import RPCError, Simulator
from ..server import LARGEST_BODY, SIMULATOR, ask
from .moods import turn

PACKAGES = 50  # that the server keeps
RPC_S = 10.0
SERVER = {
    "restart": Simulator.restart,
    "outage": Simulator.stop_answering,
    "back": Simulator.answer_again,
    "rebind": lambda sim: sim.call(sim.link.nat.rebind),
}


def answered(action):
    """Return the handler of an action, which is called with a request and returns its answer."""

    async def handler(request: web.Request) -> web.Response:
        try:
            return web.json_response(await action(request))
        except RecursionError:
            error = "JSON that is nested too deeply"
        except web.HTTPRequestEntityTooLarge:
            error = f"it is too large: at most {LARGEST_BODY >> 20} MiB may come"
        except (ValueError, RPCError) as wrong:
            error = str(wrong)
        return web.json_response({"error": error}, status=400)

    return handler


async def fields(request: web.Request, **kinds) -> list:
    """Return fields of a JSON body in their order; kinds: the type that each must have."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise ValueError("the request is no JSON") from None
    for name, kind in kinds.items():
        if not isinstance(body, dict) or name not in body or not isinstance(body[name], kind):
            raise ValueError(f"the request has no {name}")
    return [body[name] for name in kinds]


def device_of(sim: Simulator, id: str) -> Device:
    try:
        return sim.store.device(id)
    except NotFound:
        raise ValueError("this device is gone; reload the page") from None


def json_of(what: str, text: str):
    """Return what a person typed as JSON; ValueError says where it is none."""
    try:
        return json.loads(text, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}"
        raise ValueError(f"{what}: no JSON, {error.msg}, {place}; text stands in quotes") from None


def value_of(key: str, text: str):
    """Return a value as typed: JSON, or else text; what begins as an object, a list or a text of
    JSON must be one.
    """
    try:
        return json_of(key, text)
    except ValueError:
        if text.lstrip().startswith(("{", "[", '"')):
            raise
        return text


def no_constant(name: str):
    raise ValueError(f"{name} is no JSON")


async def set_attribute(request: web.Request) -> dict:
    """Set a shared attribute to JSON."""
    id, key, text = await fields(request, device=str, key=str, value=str)
    if not key.strip():
        raise ValueError("an attribute needs a name")
    value = value_of(key, text)
    if value is None:
        raise ValueError(f"{key}: null is no value; delete the attribute instead")

    def change():
        device_of(request.app[SIMULATOR], id).set_shared(parse_values({key: value}))

    await ask(request, change)
    return {}


async def delete_attribute(request: web.Request) -> dict:
    id, key = await fields(request, device=str, key=str)
    sim = request.app[SIMULATOR]
    await ask(request, lambda: device_of(sim, id).delete_shared([key]))
    return {}


async def command(request: web.Request) -> dict:
    """Send a command, and answer with the reply as JSON; its parameters are JSON or nothing."""
    id, method, text = await fields(request, device=str, method=str, params=str)
    if not method.strip():
        raise ValueError("a command needs a method")
    params = json_of("parameters", text) if text.strip() else None
    sim = request.app[SIMULATOR]
    device = await ask(request, device_of, sim, id)
    try:
        reply = await asyncio.to_thread(sim.rpc, device, method.strip(), params, True, RPC_S)
    except RPCError as error:
        words = {"no active connection": f"{device.name} does not listen for commands just now"}
        late = f"no answer from {device.name} within {RPC_S:.0f} s"
        raise RPCError(words.get(str(error), late)) from None
    return {"reply": json.dumps(reply, ensure_ascii=False)}


async def upload(request: web.Request) -> dict:
    """Take a package under the title and version that it has itself. query: device, whose profile
    it is for; kind; name, of the file.
    """
    query, sim = request.query, request.app[SIMULATOR]
    kind, name = query.get("kind", "fw"), PurePath(query.get("name", "")).name or "this file"
    if kind not in KINDS:
        raise ValueError(f"the kind is {kind}, not one of {', '.join(KINDS)}")
    data = await request.read()
    try:
        manifest = container.parse(data).manifest
    except container.PackageError as error:
        raise ValueError(f"{name}: {error}; python -m tools.package build makes one") from None
    package = Package(manifest["title"], manifest["version"], data, kind=kind, file_name=name)

    def keep() -> Package:
        package.profile = device_of(sim, query.get("device", "")).profile
        for other in sim.store.packages.values():
            if (other.title, other.version) == (package.title, package.version):
                return known(other, package)
        if len(sim.store.packages) >= PACKAGES:
            raise ValueError(f"{PACKAGES} packages are there; remove one before")
        sim.store.packages[package.id] = package
        return package

    kept = await ask(request, keep)
    return {"id": kept.id, "title": kept.title, "version": kept.version}


def known(other: Package, package: Package) -> Package:
    """Return the package that is there already; ValueError if it is not the same one."""
    same = other.data, other.kind, other.profile
    if same != (package.data, package.kind, package.profile):
        name = f"{package.title} {package.version}"
        raise ValueError(
            f"{name} is there already, with other content, of another kind or for another "
            "profile; give it another version, or remove the old one"
        )
    return other


def package_of(sim: Simulator, id: str) -> Package:
    if id not in sim.store.packages:
        raise ValueError("this package is gone")
    return sim.store.packages[id]


async def assign(request: web.Request) -> dict:
    """Assign a package to a device."""
    device_id, package_id = await fields(request, device=str, package=str)
    sim = request.app[SIMULATOR]

    def give():
        device, package = device_of(sim, device_id), package_of(sim, package_id)
        if package.profile is not device.profile:
            raise ValueError(f"{package.title} is for the devices of another profile")
        reassign(sim.store, device, package.kind, package, sim.update_first())

    await ask(request, give)
    return {}


async def unassign(request: web.Request) -> dict:
    """Take a device's own package of a kind away."""
    id, kind = await fields(request, device=str, kind=str)
    sim = request.app[SIMULATOR]
    if kind not in KINDS:
        raise ValueError(f"the kind is {kind}, not one of {', '.join(KINDS)}")
    await ask(request, lambda: reassign(sim.store, device_of(sim, id), kind, None))
    return {}


async def remove(request: web.Request) -> dict:
    """Remove a package that nobody has."""
    (id,) = await fields(request, package=str)
    store = request.app[SIMULATOR].store

    def forget():
        package = package_of(request.app[SIMULATOR], id)
        if any(package in d.packages.values() for d in [*store.devices.values(), *store.profiles]):
            raise ValueError(f"{package.title} {package.version} is assigned; un-assign it before")
        del store.packages[id]

    await ask(request, forget)
    return {}


async def switch(request: web.Request) -> dict:
    """Set a switch of the server or of the link."""
    id, value = await fields(request, id=str, value=object)
    await ask(request, turn, request.app[SIMULATOR], id, value)
    return {}


async def server(request: web.Request) -> dict:
    """Have something happen to the server: what SERVER names."""
    (what,) = await fields(request, action=str)
    if what not in SERVER:
        raise ValueError(f"the server cannot {what}")
    await asyncio.to_thread(SERVER[what], request.app[SIMULATOR])
    return {}


ACTIONS = {
    "attribute": set_attribute,
    "delete": delete_attribute,
    "command": command,
    "package": upload,
    "assign": assign,
    "unassign": unassign,
    "remove": remove,
    "switch": switch,
    "server": server,
}
