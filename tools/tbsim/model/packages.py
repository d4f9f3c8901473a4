"""Firmware and software packages: their checksums, their assignment, and the bytes of a chunk.

Follows DefaultOtaPackageStateService and OtaPackageTransportResource of ThingsBoard 4.4.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import mmh3

from .devices import Device, Profile, new_id, now_ms
from .errors import BadRequest, NotFound, ServerFault
from .store import Store
from .values import in_hash_order

KINDS = ("fw", "sw")
KEYS = ("title", "version", "size", "checksum", "checksum_algorithm", "url", "tag")
# Un-assigning deletes these too (OtaPackageKey).
STATE_KEYS = ("ts", "state")
CHECKSUMS = {
    "MD5": lambda data: hashlib.md5(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA384": lambda data: hashlib.sha384(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
    # Guava's hash bytes: 32-bit values little-endian, so CRC 0xcbf43926 reads 2639f4cb.
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "little"),
    "MURMUR3_32": lambda data: mmh3.hash(data, 0, signed=False).to_bytes(4, "little"),
    "MURMUR3_128": lambda data: mmh3.hash_bytes(data, 0),
}


class Served(NamedTuple):
    """Bytes of a package that were sent."""

    time: float  # seconds of time.monotonic()
    start: int  # the first of them, counted from the package's
    size: int


@dataclass
class Package:
    """A package of kind fw or sw; with a url the server has no bytes to serve."""

    title: str
    version: str
    data: bytes = b""
    kind: str = "fw"
    tag: str | None = None
    url: str | None = None
    algorithm: str = "SHA256"
    served: list[Served] = field(default_factory=list)
    id: str = field(default_factory=new_id)
    created_ms: int = field(default_factory=now_ms)
    profile: Profile | None = None  # the only one whose devices may have an uploaded package
    file_name: str | None = None
    content_type: str | None = None
    given_checksum: str | None = None  # by the user who uploads it; it is not checked

    @property
    def checksum(self) -> str:
        return self.given_checksum or CHECKSUMS[self.algorithm](self.data).hex()

    def attributes(self) -> dict:
        """Return the shared attributes of a device that is to have this package."""
        values = {
            "title": self.title,
            "version": self.version,
            "tag": self.tag,
            "url": self.url,
        }
        if self.data:
            values["size"] = len(self.data)
            values["checksum_algorithm"] = self.algorithm
            values["checksum"] = self.checksum
        return {f"{self.kind}_{k}": v for k, v in values.items() if v is not None}


@dataclass(frozen=True)
class Part:
    """What a device asked for: a chunk of its package, or all of it."""

    package: Package
    start: int
    data: bytes  # empty past the end


def assign(
    store: Store, target: Device | Profile, package: Package, update_first: bool = False
) -> None:
    """Assign a package to a device, or to the devices of a profile that have none of their own.
    update_first: the attributes of the package are set before those it does not have are deleted.
    """
    package.profile = package.profile or (
        target if isinstance(target, Profile) else target.profile
    )
    store.packages.setdefault(package.id, package)
    target.packages[package.kind] = package
    for device in store.devices.values():
        inherits = device.profile is target and package.kind not in device.packages
        if device is target or inherits:
            _announce(store, device, package, update_first)


def package_of(device: Device, kind: str) -> Package | None:
    """Return the package that a device is to have: its own, or else its profile's."""
    return device.packages.get(kind) or device.profile.packages.get(kind)


def reassign(
    store: Store,
    target: Device | Profile,
    kind: str,
    package: Package | None,
    update_first: bool = False,
) -> None:
    """Give a target another package of a kind or none, as when a user saves it: only devices for
    which that makes a difference hear of it.
    """
    before = {name: package_of(device, kind) for name, device in store.devices.items()}
    if package:
        target.packages[kind] = package
    else:
        target.packages.pop(kind, None)
    for name, device in store.devices.items():
        now = package_of(device, kind)
        if now and now is not before[name]:
            _announce(store, device, now, update_first)
        elif before[name] and not now:
            _forget(device, kind)


def _announce(store: Store, device: Device, package: Package, update_first: bool) -> None:
    kind, now_ms = package.kind, store.clock_ms()
    device.fetched.pop(kind, None)
    target = {"title": package.title, "version": package.version, "tag": package.tag}
    values = {f"target_{kind}_{k}": v for k, v in target.items() if v is not None}
    values |= {f"target_{kind}_ts": now_ms, f"{kind}_state": "QUEUED"}
    device.add_points(now_ms, values)
    device.add_points(now_ms, {f"{kind}_state": "INITIATED"})
    attributes = package.attributes()
    names = [f"{kind}_{name}" for name in ("size", "checksum", "checksum_algorithm", "tag", "url")]
    delete = [name for name in names if name not in attributes]
    if update_first:
        device.set_shared(attributes)
        device.delete_shared(delete)
    else:
        device.delete_shared(delete)
        device.set_shared(attributes)


def unassign(device: Device, kind: str) -> None:
    """Take a device's own package of a kind away, and all that it was told of it."""
    device.packages.pop(kind, None)
    _forget(device, kind)


def _forget(device: Device, kind: str) -> None:
    device.fetched.pop(kind, None)
    names = [f"{kind}_{name}" for name in KEYS + STATE_KEYS]
    device.delete_shared(list(in_hash_order(dict.fromkeys(names))))


def select(device: Device, kind: str, query: dict[str, str]) -> Part:
    """Return the bytes that a query asks for by title, version, size and chunk.

    Raises NotFound without a package or bytes of it, BadRequest if it is another one, ServerFault
    for numbers that are none or do not fit.
    """
    package = package_of(device, kind)
    if not package or package.url:
        raise NotFound("no package")
    for name, value in (("title", package.title), ("version", package.version)):
        if query.get(name, value) != value:
            raise BadRequest("another " + name)
    size, chunk = java_int(query.get("size")), java_int(query.get("chunk"))
    if size < 1:
        return Part(package, 0, package.data)
    start = wrapped(size * chunk)
    count = min(wrapped(len(package.data) - start), size)
    if start < 0 < count:
        raise ServerFault("copies from before the start")
    return Part(package, start, package.data[start : start + count] if count > 0 else b"")


def wrapped(number: int) -> int:
    """Return a number as Java's int arithmetic has it."""
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


def java_int(text: str | None) -> int:
    """Return the number of a query option, 0 without any; ServerFault if it is none of 32 bits."""
    try:
        number = int(text or 0)
    except ValueError:
        raise ServerFault("not a number") from None
    if wrapped(number) != number:
        raise ServerFault("not a number of 32 bits")
    return number
