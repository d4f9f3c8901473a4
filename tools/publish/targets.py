"""Who is meant: devices by names and patterns of names, or those of a profile."""

import difflib
from fnmatch import fnmatchcase

from tools.publish import PublishError
from tools.publish.server import Server
from tools.publish.subjects import FIELDS, Target, some

MAGIC = set("*?[")


async def by_names(server: Server, patterns: list[str]) -> list[Target]:
    """Return the devices with these names or patterns; * ? and [ ] are a shell's.

    Raises PublishError for a name or a pattern that means nobody.
    """
    devices = await _devices(server)
    names = [device.name for device in devices]
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in names):
            raise PublishError(_nobody(pattern, names))
    return [d for d in devices if any(_fits(d.name, pattern) for pattern in patterns)]


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


async def of_profile(server: Server, name: str) -> list[Target]:
    """Return the devices of a profile; PublishError if there is none, or none in it."""
    profiles = await server.pages("/api/deviceProfileInfos", "looking for the profile")
    names = [profile["name"] for profile in profiles]
    if name not in names:
        raise PublishError(f"the server has no profile {name}; there are: {some(names)}")
    devices = [device for device in await _devices(server) if device.profile == name]
    if not devices:
        raise PublishError(f"the profile {name} has no devices")
    return devices


async def everyone(server: Server) -> list[Target]:
    return await _devices(server)


async def _devices(server: Server) -> list[Target]:
    found = await server.pages("/api/tenant/deviceInfos", "looking for the devices")
    return [_target(info) for info in found]


def _target(info: dict) -> Target:
    return Target(
        info["id"]["id"],
        info["name"],
        info["deviceProfileId"]["id"],
        info.get("deviceProfileName") or info.get("type") or "",
        bool(info.get("active")),
        {kind: (info.get(field) or {}).get("id") for kind, field in FIELDS.items()},
    )


def _nobody(pattern: str, names: list[str]) -> str:
    if not names:
        return "the server has no devices"
    if set(pattern) & MAGIC:
        return f"no device has a name like {pattern}; there are: {some(names)}"
    near = difflib.get_close_matches(pattern, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {some(names)}"
    return f"no device is named {pattern}; {hint}"


def one_profile(targets: list[Target]) -> str:
    """Return the id of the profile of all of them; PublishError if they have several."""
    profiles = {target.profile_id: target.profile for target in targets}
    if len(profiles) > 1:
        names = some(sorted(profiles.values()))
        raise PublishError(
            f"these devices have {len(profiles)} profiles ({names}), and ThingsBoard binds a "
            "package to one: publish for one profile at a time"
        )
    return next(iter(profiles))
