"""Devices and profiles: read, listed, saved. A package is assigned by saving its id there.

Follows DeviceController, DeviceProfileController and DeviceDataValidator.
"""

from ...model.devices import Device, Profile
from ...model.errors import NotFound
from ...model.packages import Package, reassign
from .call import Call, paged
from .errors import bad_request, conflict, not_found
from .shapes import ID_FIELDS, of_device, of_device_info, of_profile, of_profile_info


def by_name(entity: Device | Profile) -> str:
    return entity.name


def device_of(call: Call) -> Device:
    """Return the device that the path names by its id."""
    try:
        return call.store.device(call.path["id"])
    except NotFound:
        raise not_found("Device", call.path["id"]) from None


def profile_of(call: Call, id: str | None = None) -> Profile:
    """Return the profile with an id, or that the path names."""
    id = call.path["id"] if id is None else id
    try:
        return call.store.profile(id)
    except NotFound:
        raise not_found("Device profile", id) from None


# Devices


def device(call: Call) -> dict:
    return of_device(device_of(call))


def device_info(call: Call) -> dict:
    return of_device_info(device_of(call), call.store.clock_ms())


def devices(call: Call) -> dict:
    """List devices, those of a profile by `type` or `deviceProfileId`; with `deviceName`: one."""
    name = call.query.get("deviceName")
    if name is not None:
        if name not in call.store.devices:
            raise not_found("Device", name)
        return of_device(call.store.devices[name])
    return paged(call, of_profile_asked(call), of_device, by_name)


def device_infos(call: Call) -> dict:
    now_ms = call.store.clock_ms()
    return paged(call, of_profile_asked(call), lambda d: of_device_info(d, now_ms), by_name)


def of_profile_asked(call: Call) -> list[Device]:
    found = list(call.store.devices.values())
    if kind := call.query.get("type"):
        found = [d for d in found if d.profile.name == kind]
    if id := call.query.get("deviceProfileId"):
        found = [d for d in found if d.profile.id == id]
    return found


def save_device(call: Call) -> dict:
    """Make a device, or change one: its name, its profile and its packages."""
    fields = call.fields()
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_request("Device name should be specified!")
    profile = call.store.profiles[0]
    if reference := fields.get("deviceProfileId"):
        profile = profile_of(call, id_in(reference))
    if "id" not in fields or fields["id"] is None:
        if name in call.store.devices:
            raise bad_request("Device with such name already exists!")
        packages = packages_in(call, fields, profile, {})
        saved = call.store.add_device(name, call.query.get("accessToken"), profile)
    else:
        saved = device_of(Call(call.sim, {"id": id_in(fields["id"])}, call.query))
        packages = packages_in(call, fields, profile, saved.packages)
        if name != saved.name and name in call.store.devices:
            raise bad_request("Device with such name already exists!")
        check_revision("Device", saved, fields)
        call.store.rename(saved, name)
        saved.profile = profile
    saved.saved = fields
    assign(call, saved, packages)
    return of_device(saved)


# Profiles


def profile(call: Call) -> dict:
    return of_profile(call.store, profile_of(call))


def profile_info(call: Call) -> dict:
    return of_profile_info(profile_of(call))


def default_profile_info(call: Call) -> dict:
    return of_profile_info(call.store.profiles[0])


def profiles(call: Call) -> dict:
    return paged(call, call.store.profiles, lambda p: of_profile(call.store, p), by_name)


def profile_infos(call: Call) -> dict:
    return paged(call, call.store.profiles, of_profile_info, by_name)


def save_profile(call: Call) -> dict:
    """Make a profile, or change one: its name and its packages. What else is saved is kept, but
    changes nothing of what devices see.
    """
    fields = call.fields()
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_request("Device profile name should be specified!")
    others = [p for p in call.store.profiles if p.name == name]
    if "id" not in fields or fields["id"] is None:
        if others:
            raise bad_request("Device profile with such name already exists!")
        saved = call.store.add_profile(Profile(name))
        packages = dict.fromkeys(ID_FIELDS)
    else:
        saved = profile_of(call, id_in(fields["id"]))
        packages = packages_in(call, fields, saved, saved.packages)
        if any(other is not saved for other in others):
            raise bad_request("Device profile with such name already exists!")
        check_revision("Device profile", saved, fields)
        saved.name = name
    saved.saved = fields
    assign(call, saved, packages)
    return of_profile(call.store, saved)


# What both have in common


def id_in(reference) -> str:
    """Return the id in {"entityType", "id"}."""
    id = reference.get("id") if isinstance(reference, dict) else None
    if not isinstance(id, str):
        raise bad_request("Invalid UUID string: " + str(id))
    return id


def packages_in(
    call: Call, fields: dict, profile: Profile, now: dict[str, Package]
) -> dict[str, Package | None]:
    """Return, by kind, the package that an entity is saved with, None if without. now: those that
    it has, which stay without a question.

    Raises RestError for one that devices of this profile may not have.
    """
    wanted: dict[str, Package | None] = {}
    for kind, field in ID_FIELDS.items():
        id = id_in(fields[field]) if fields.get(field) else None
        has = now.get(kind)
        wanted[kind] = has if has and has.id == id else id and checked(call, id, kind, profile)
    return wanted


def checked(call: Call, id: str, kind: str, profile: Profile) -> Package:
    package = call.store.packages.get(id)
    words = {"fw": "firmware", "sw": "software"}[kind]
    if not package:
        raise bad_request(f"Can't assign non-existent {words}!")
    if package.kind != kind:
        raise bad_request(f"Can't assign {words} with type: {package.kind}!")
    if not (package.data or package.url):
        raise bad_request(f"Can't assign {words} with empty data!")
    if package.profile is not profile:
        raise bad_request(f"Can't assign {words} with different deviceProfile!")
    return package


def check_revision(what: str, entity: Device | Profile, fields: dict) -> None:
    """Raise RestError if the user has not seen the last change; without a version he may."""
    if fields.get("version") not in (None, entity.revision):
        raise conflict(what)
    entity.revision += 1


def assign(call: Call, entity: Device | Profile, packages: dict[str, Package | None]) -> None:
    for kind, package in packages.items():
        if entity.packages.get(kind) is not package:
            reassign(call.store, entity, kind, package, call.sim.update_first())
