# ThingsBoard's checksums, as far as a board computes them in C.

import hashlib
from binascii import crc32, hexlify


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
