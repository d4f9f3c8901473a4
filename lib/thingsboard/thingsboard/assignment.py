# A package that the server wants on this board (ThingsBoard: OTA updates), and its checksum, as
# far as a board computes that in C. Sans-I/O.

import hashlib
from binascii import crc32, hexlify

from abupdate import Refused
from micropython import const

_QUERY_MAX = const(255)  # bytes of a Uri-Query (RFC 7252 table 4)

# The shared attributes that make an assignment, without their prefix.
NAMES = ("_title", "_version", "_size", "_checksum", "_checksum_algorithm", "_url")


class Assignment:
    """The shared attributes fw_* or sw_*, whichever prefix names; each may be anything or None."""

    def __init__(self, prefix, shared):
        self.prefix = prefix
        self.title = shared.get(prefix + "_title")
        self.version = shared.get(prefix + "_version")
        self.size = shared.get(prefix + "_size")
        self.checksum = shared.get(prefix + "_checksum")
        self.algorithm = shared.get(prefix + "_checksum_algorithm")
        self.url = shared.get(prefix + "_url")
        # What tells one from another, as text: 5000.0 and 5000 are equal, and only one of them is
        # a size. The algorithm is not part of it: it says nothing without its checksum.
        self.id = repr((self.title, self.version, self.size, self.checksum, self.url))

    def is_complete(self):
        """Whether enough is known to begin; else more may come."""
        return self.title and self.version and (self.size or self.url)

    def query(self):
        """Return what names the package to the server, as Uri-Query."""
        return "title=" + self.title, "version=" + self.version

    def check(self):
        """Raise Refused if what is known has the wrong types, or cannot be asked for."""
        for value, kind in (
            (self.title, str),
            (self.version, str),
            (self.url or "", str),
            (self.size or 0, int),
        ):
            if type(value) is not kind:  # True is an int to isinstance()
                raise Refused("the assignment is malformed")
        if not self.url:
            for query in self.query():
                if len(query.encode()) > _QUERY_MAX:
                    raise Refused("too long for CoAP: " + query.split("=")[0])


def assigned(shared):
    """Return a number that tells the packages which are assigned from others; 0: there is none."""
    assignments = [Assignment(prefix, shared) for prefix in ("fw", "sw")]
    return crc32("".join([one.id for one in assignments if one.is_complete()]).encode())


class Checksum:
    """A running checksum of a package; algorithm is ThingsBoard's name.

    SHA256, MD5 and CRC32 are known, where the board's hashlib has them; any other is taken on
    trust, because the package is signed.
    """

    def __init__(self, algorithm):
        self._crc = 0
        self._hash = None
        if algorithm in ("SHA256", "MD5"):
            new = getattr(hashlib, algorithm.lower(), None)  # a port may leave out MD5
            self._hash = new and new()
        self.known = self._hash or algorithm == "CRC32"

    def update(self, data):
        if self._hash:
            self._hash.update(data)
        else:
            self._crc = crc32(data, self._crc)

    def matches(self, text):
        """Whether this is the server's text: hex, that of CRC32 with its bytes little-endian."""
        digest = self._hash.digest() if self._hash else self._crc.to_bytes(4, "little")
        return not (self.known and text) or hexlify(digest).decode() == str(text).lower()
