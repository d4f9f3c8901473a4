"""What is published: a package, on this PC or on the server already, and how it gets there."""

import hashlib
from pathlib import Path

from tools import boards
from tools.package import container
from tools.publish import PublishError
from tools.publish.server import Refused, Server, Unreachable
from tools.publish.subjects import TYPES, Release, some

FILE_NAME = "package.bin"  # .pkg would get the content type of an Apple installer
ALGORITHM = "SHA256"


def from_file(path: Path, kind: str = "") -> Release:
    """Return a package of tools.package; kind: fw or sw, if the package itself does not tell.

    Raises PublishError, OSError.
    """
    try:
        return from_bytes(path.read_bytes(), kind)
    except container.PackageError as error:
        raise PublishError(f"{path}: {error}") from None


def from_bytes(data: bytes, kind: str = "") -> Release:
    manifest = container.parse(data).manifest
    kind = kind or kind_of(manifest["kind"], manifest["boards"])
    return Release(manifest["title"], manifest["version"], kind, data, len(data))


def kind_of(what: str, names: list[str]) -> str:
    """Return how boards take a package: as fw, or as sw where fw is MicroPython itself."""
    if what == "firmware":
        return "fw"
    facts = [boards.load(name) for name in boards.names()]
    meant = [board for board in facts if board.build in names]
    sw = [board.name for board in meant if "firmware" in board.update]
    if sw and len(sw) < len(meant):
        raise PublishError(
            f"the package is for {some(sw)}, which takes an application as sw, and for boards "
            "that take it as fw: say which of them are meant by TYPE=fw or TYPE=sw"
        )
    return "sw" if sw else "fw"


async def on_server(server: Server, text: str) -> Release:
    """Return a package that was uploaded before, by "TITLE VERSION"; PublishError if none is."""
    title, _, version = text.rpartition(" ")
    listed = await server.pages("/api/otaPackages", "looking for the package")
    for info in listed:
        if (info["title"], info["version"]) == (title, version) and info["hasData"]:
            kind = {type: kind for kind, type in TYPES.items()}[info["type"]]
            size = info.get("dataSize") or 0
            return Release(title, version, kind, None, size, info["id"]["id"])
    raise PublishError(
        f"{text} is neither a file nor title and version of a package on the server; "
        f"{_there(listed)}"
    )


def _there(listed: list[dict]) -> str:
    names = [f"{info['title']} {info['version']}" for info in listed if info["hasData"]]
    return "it has " + ", ".join(names[-5:]) if names else "it has none"


async def put(server: Server, release: Release, profile_id: str) -> Release:
    """Return the release as the server has it, uploaded if it is not there yet.

    What is there under its title and version must be the same bytes, for the same profile. An
    upload that fails leaves nothing there.
    """
    info = await _find(server, release)
    if info and info["deviceProfileId"]["id"] != profile_id:
        raise PublishError(
            f"{release} is on the server for another profile, and ThingsBoard binds a package to "
            "one: build it once more under another version"
        )
    if info and TYPES[release.kind] != info["type"]:
        raise PublishError(f"{release} is on the server as {info['type']}: say so by TYPE=")
    if info and info["hasData"]:
        if release.data is not None and not _is(info, release.data):
            raise PublishError(
                f"the server has another {release}: what is out never changes, so give this "
                "package another version"
            )
        return _known(release, info)
    if not info:
        made = await server.post(
            "/api/otaPackage",
            "making the package",
            {
                "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": profile_id},
                "type": TYPES[release.kind],
                "title": release.title,
                "version": release.version,
                "usesUrl": False,
            },
        )
        info = server.entity(made)
    try:
        info = await server.upload(
            f"/api/otaPackage/{info['id']['id']}",
            "uploading the package",
            FILE_NAME,
            release.data,
            checksumAlgorithm=ALGORITHM,
        )
    except (Unreachable, Refused) as error:
        there = await _find(server, release) if isinstance(error, Refused) else None
        if there and there["hasData"]:  # somebody else was faster: it is not ours to remove
            return await put(server, release, profile_id)
        raise PublishError(f"{error}; {await _removed(server, info)}") from None
    if not _is(info, release.data):
        await _removed(server, info)
        raise PublishError("the server got other bytes than were sent: the upload is removed")
    return _known(release, info)


async def _find(server: Server, release: Release) -> dict | None:
    if release.id:
        return await server.get(f"/api/otaPackage/info/{release.id}", "looking at the package")
    query = {"textSearch": release.title}
    for info in await server.pages("/api/otaPackages", "looking for the package", **query):
        if (info["title"], info["version"]) == (release.title, release.version):
            return info
    return None


async def _removed(server: Server, info: dict) -> str:
    """Delete what an upload left, and say what became of it; nothing was assigned yet."""
    try:
        await server.delete(f"/api/otaPackage/{info['id']['id']}", "removing the package")
    except (Unreachable, Refused):
        return "nothing is assigned, and the same command goes on from there"
    return "nothing is assigned, and nothing of it is left on the server"


def _is(info: dict, data: bytes) -> bool:
    if info.get("checksumAlgorithm") != ALGORITHM:
        return info.get("dataSize") == len(data)
    return str(info.get("checksum")).lower() == hashlib.sha256(data).hexdigest()


def _known(release: Release, info: dict) -> Release:
    size = info.get("dataSize") or release.size
    return Release(
        release.title, release.version, release.kind, release.data, size, info["id"]["id"]
    )
