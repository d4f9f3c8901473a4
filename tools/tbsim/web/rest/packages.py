"""Packages: made, uploaded, listed, deleted. Follows OtaPackageController and its validators."""

from aiohttp import web

from ...model.packages import CHECKSUMS, Package
from .call import Call, Upload, paged
from .devices import id_in, profile_of
from .errors import bad_request, not_found
from .shapes import KINDS, of_package


def package_of(call: Call) -> Package:
    """Return the package that the path names by its id."""
    package = call.store.packages.get(call.path["id"])
    if not package:
        raise not_found("OtaPackage", call.path["id"])
    return package


def save(call: Call) -> dict:
    """Make a package without its bytes; title and version are its own in the whole tenant."""
    fields = call.fields()
    if fields.get("id"):
        raise bad_request("Updating otaPackage is prohibited!")
    title, version = fields.get("title"), fields.get("version")
    for name, value in (("title", title), ("version", version)):
        if not isinstance(value, str) or not value.strip():
            raise bad_request(f"OtaPackage {name} should be specified!")
    if str(fields.get("type")) not in KINDS:
        raise bad_request("Type should be specified!")
    if not fields.get("deviceProfileId"):
        raise bad_request("Device profile should be specified!")
    profile = profile_of(call, id_in(fields["deviceProfileId"]))
    if any((p.title, p.version) == (title, version) for p in call.store.packages.values()):
        raise bad_request("OtaPackage with such title and version already exists!")
    package = Package(title, version, kind=KINDS[fields["type"]], tag=fields.get("tag"))
    package.profile = profile
    if fields.get("usesUrl"):
        package.url = fields.get("url")
    call.store.packages[package.id] = package
    return of_package(package)


def upload(call: Call) -> dict:
    """Take the bytes of a package. A checksum that comes with them is not checked."""
    package = package_of(call)
    algorithm = call.query.get("checksumAlgorithm")
    if algorithm not in CHECKSUMS:
        raise bad_request("Required request parameter 'checksumAlgorithm' is not present")
    if not isinstance(call.body, Upload):
        raise bad_request("Required part 'file' is not present.")
    if not call.body.data:
        raise bad_request("OtaPackage data should be specified!")
    if package.data:
        raise bad_request("Updating otaPackage data is prohibited!")
    package.algorithm = algorithm
    package.given_checksum = call.query.get("checksum")
    package.file_name, package.content_type, package.data = call.body
    return of_package(package)


def info(call: Call) -> dict:
    return of_package(package_of(call))


def packages(call: Call) -> dict:
    """List packages; with a profile and a type those that can be assigned there."""
    found = list(call.store.packages.values())
    if "profile" in call.path:
        if call.path["type"] not in KINDS:
            raise bad_request("Unsupported type " + call.path["type"])
        kind, profile = KINDS[call.path["type"]], call.path["profile"]
        found = [p for p in found if p.kind == kind and p.profile.id == profile]
        found = [p for p in found if p.data or p.url]
    return paged(call, found, of_package, lambda package: package.title)


def download(call: Call) -> web.Response:
    package = package_of(call)
    if not package.data:
        raise bad_request("OtaPackage has no data")
    name = f'attachment;filename="{package.file_name}"'
    headers = {"Content-Disposition": name, "x-filename": package.file_name}
    return web.Response(body=package.data, headers=headers)


def delete(call: Call) -> None:
    """Delete a package that nobody has."""
    package = package_of(call)
    if any(package in d.packages.values() for d in call.store.devices.values()):
        raise bad_request("The otaPackage referenced by the devices cannot be deleted!")
    if any(package in p.packages.values() for p in call.store.profiles):
        raise bad_request("The otaPackage referenced by the device profile cannot be deleted!")
    del call.store.packages[package.id]
