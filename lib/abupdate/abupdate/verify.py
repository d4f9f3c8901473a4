# The signature of a package: RSA-3072, PKCS#1 v1.5, SHA-256 (RFC 8017 section 8.2.2).

import hashlib

from micropython import const

from . import Refused

_KEY = const(384)  # bytes of a public key: its modulus, big-endian; the exponent is 65537
_KEY_ID = const(6)  # in a header: image.py draws it
_SIGNATURE = const(10)
_MANIFEST = const(394)

# What precedes the hash in the block that was signed (RFC 8017 section 9.2, with note 1).
_PREFIX = (
    b"\x00\x01"
    + b"\xff" * 330
    + b"\x00\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
    b"\x05\x00\x04\x20"
)


def verify(header, keys):
    """Check a header's signature with the key it names. Raises Refused.

    keys are public keys, one after the other; a key's id is the first four bytes of its SHA-256.
    The whole expected block is rebuilt and compared: nothing in a signature is parsed.
    """
    sha256 = hashlib.sha256
    for i in range(0, len(keys) - _KEY + 1, _KEY):
        key = keys[i : i + _KEY]
        if sha256(key).digest()[:4] == header[_KEY_ID:_SIGNATURE]:
            h = sha256(header[:_SIGNATURE])
            h.update(header[_MANIFEST:])
            n = int.from_bytes(key, "big")
            s = int.from_bytes(header[_SIGNATURE:_MANIFEST], "big")
            # s < n: section 5.2.2. It also keeps a file of zeros from being a key.
            if s < n and pow(s, 65537, n) == int.from_bytes(_PREFIX + h.digest(), "big"):
                return
            raise Refused("its signature is wrong")
    raise Refused("signed with an unknown key")
