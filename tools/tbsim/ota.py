"""Firmware and software packages: assignment, and their download from /fw and /sw.

Follows OtaPackageTransportResource and DefaultOtaPackageStateService of ThingsBoard 4.4, its traps
included: no answer past the end, a transfer forgotten with its last block, block NUM > 0 without a
transfer unanswered.
"""

import hashlib
import zlib
from dataclasses import dataclass, field

import mmh3
from aiocoap import Code

from .blockwise import BLOCK_SIZE, LIFETIME_S, answer
from .model import Device, Store

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
    served: list = field(default_factory=list)  # (seconds, first byte, bytes)

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
            values["checksum"] = CHECKSUMS[self.algorithm](self.data).hex()
            values["checksum_algorithm"] = self.algorithm
        return {f"{self.kind}_{k}": v for k, v in values.items() if v is not None}


def assign(store: Store, device: Device, package: Package) -> None:
    """Tell a device of its package, in the server's order: telemetry, deletions, attributes."""
    kind, now_ms = package.kind, store.clock_ms()
    target = {"title": package.title, "version": package.version, "tag": package.tag}
    points = {f"target_{kind}_{k}": v for k, v in target.items() if v is not None}
    points |= {f"target_{kind}_ts": now_ms, f"{kind}_state": "QUEUED"}
    device.telemetry += [(now_ms, key, value) for key, value in points.items()]
    device.telemetry.append((now_ms, f"{kind}_state", "INITIATED"))
    values = package.attributes()
    names = [f"{kind}_{name}" for name in ("size", "checksum", "checksum_algorithm", "tag", "url")]
    device.delete_shared([name for name in names if name not in values])
    device.set_shared(values)


def unassign(device: Device, kind: str) -> None:
    device.packages.pop(kind, None)
    device.delete_shared([f"{kind}_{name}" for name in KEYS + STATE_KEYS])


class Download:
    """The resources /fw and /sw."""

    def __init__(self, layer, store: Store, blockwise, refusal):
        self.layer = layer
        self.store = store
        self.blockwise = blockwise
        self.refusal = refusal  # refusal(device) -> code or None

    def serve(self, exchange, path: tuple) -> None:
        request = exchange.request
        if request.code is not Code.GET:
            exchange.respond(answer("4.05"), typed=False)
            return
        key = (exchange.address, path, request.opt.uri_query)
        block2 = request.opt.block2
        if block2 and block2.block_number and self.alive(key):
            exchange.respond(self.next_block(key, block2), typed=False)
            return
        exchange.acknowledge()
        response = self.first_answer(exchange, path, key)
        if response:
            if request.opt.observe == 0:
                response.opt.observe = 0
            exchange.respond(response)

    def alive(self, key) -> bool:
        expires, *_ = self.blockwise.bodies.get(key, (0,))
        return expires > self.layer.now()

    def next_block(self, key, block2):
        _, body, package = self.blockwise.bodies[key]
        num, _, szx = block2
        start, size = num << szx + 4, 16 << szx
        more = start + size < len(body)
        if more:
            self.blockwise.bodies[key] = (self.layer.now() + LIFETIME_S, body, package)
        else:
            del self.blockwise.bodies[key]  # with the last block, so it cannot be had twice
        part = body[start : start + size]
        package.served.append((self.layer.now(), start, len(part)))
        return answer("2.05", part, block2=(num, more, szx))

    def first_answer(self, exchange, path: tuple, key):
        # The separate answer; None: none ever.
        device = self.store.by_token(path[1]) if len(path) == 2 else None
        refused = self.refusal(device)
        if refused:
            return answer(refused)
        package = device.packages.get(path[0]) or device.profile.packages.get(path[0])
        if not package or package.url:
            return answer("4.04")
        query = dict(parse_query(item) for item in exchange.request.opt.uri_query)
        for name, value in (("title", package.title), ("version", package.version)):
            if query.get(name, value) != value:
                return answer("4.00")
        try:
            size, chunk = int(query.get("size") or 0), int(query.get("chunk") or 0)
        except ValueError:
            return answer("5.00")
        if chunk < 0 or size < 0 or size * chunk >= 1 << 31:
            return answer("5.00")
        start = size * chunk if size else 0
        data = package.data[start : start + size] if size else package.data
        if not data:
            return None
        return self.cut(exchange.request.opt.block2, data, start, package, key)

    def cut(self, block2, data: bytes, start: int, package: Package, key):
        num, _, szx = block2 or (0, False, 6)
        size = 16 << szx
        if num:  # no transfer is known
            if len(data) > size:
                return None
            response = answer("2.05", data, block2=(num, False, szx))
        elif len(data) > (size if block2 else BLOCK_SIZE):
            self.blockwise.bodies[key] = (self.layer.now() + LIFETIME_S, data, package)
            response = answer("2.05", data[:size], block2=(0, True, szx), size2=len(data))
        else:
            response = answer("2.05", data)
            if block2:
                # The server compares the length with the exponent instead of the size.
                response.opt.block2 = (0, len(data) <= szx, szx)
        package.served.append((self.layer.now(), start, len(response.payload)))
        return response


def parse_query(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    return name, value if equals else "true"
