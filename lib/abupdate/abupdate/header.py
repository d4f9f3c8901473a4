# The header of a package, and its signature: RSA-3072, PKCS#1 v1.5, SHA-256 (RFC 8017 section
# 8.2.2). docs/updates.md has the table:
#
#   magic 4 | length of the header 2 | key id 4 | signature 384 | manifest
#
# The signature covers the header without itself. The payload follows the header. The manifest is a
# line of JSON, and a line for each file: all of them parsed would take several times the RAM.

import hashlib

from micropython import const

from . import Refused

_MAGIC = const(b"ABU1")
_LENGTH_AT = const(4)  # of the whole header, big-endian
_KEY_ID_AT = const(6)
_SIGNATURE_AT = const(10)
MANIFEST_AT = const(394)
_BYTES_MAX = const(8192)
_NEWLINE = const(10)

_KEY_BYTES = const(384)  # of a public key, which is its modulus, and of a signature
_EXPONENT = const(65537)  # of every key

# The block that was signed is padding, this and the hash (RFC 8017 section 9.2, with note 1).
_DIGEST_INFO = const(
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
)


def length(start):
    """Return how many bytes the header has that starts with these. Raises Refused: it is none."""
    n = int.from_bytes(start[_LENGTH_AT:_KEY_ID_AT], "big")
    if start[:_LENGTH_AT] != _MAGIC or not MANIFEST_AT < n <= _BYTES_MAX:
        raise Refused("this is no update package")
    return n


def verify(header, keys):
    """Check a header's signature with the key it names. Raises Refused.

    keys are public keys, one after the other; a key's id is the first four bytes of its SHA-256.
    The whole expected block is rebuilt and compared: nothing in a signature is parsed.
    """
    sha256 = hashlib.sha256
    for i in range(0, len(keys), _KEY_BYTES):
        key = keys[i : i + _KEY_BYTES]
        if sha256(key).digest()[:4] == header[_KEY_ID_AT:_SIGNATURE_AT]:
            h = sha256(header[:_SIGNATURE_AT])
            h.update(memoryview(header)[MANIFEST_AT:])
            block = b"\x00\x01" + b"\xff" * 330 + b"\x00" + _DIGEST_INFO + h.digest()
            n = int.from_bytes(key, "big")
            s = int.from_bytes(header[_SIGNATURE_AT:MANIFEST_AT], "big")
            # s < n: section 5.2.2. It also keeps a file of zeros from being a key.
            if s < n and pow(s, _EXPONENT, n) == int.from_bytes(block, "big"):
                return
            raise Refused("its signature is wrong")
    raise Refused("signed with an unknown key")


def line_end(header, at):
    """Return where the line ends that begins at a byte of a header. Raises ValueError."""
    # A bytearray of MicroPython can be searched by hand only.
    while at < len(header):
        if header[at] == _NEWLINE:
            return at
        at += 1
    raise ValueError("endless")


def files(header):
    """Yield (name, bytes, SHA-256 in base64) of each file in a header. Raises ValueError."""
    end = line_end(header, MANIFEST_AT)
    while end + 1 < len(header):
        at = end + 1
        end = line_end(header, at)
        name, size, digest = bytes(header[at:end]).decode().split(" ")
        yield name, int(size), digest
