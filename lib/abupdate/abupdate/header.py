# The header of a package (docs/updates.md has the table):
#
#   magic 4 | length of the header 2 | key id 4 | signature 384 | manifest
#
# The signature covers the header without itself. The payload follows the header.

from micropython import const

KEY_BYTES = const(384)  # of a public key, which is its modulus, and of a signature

_MAGIC = const(b"ABU1")
_LENGTH_AT = const(4)  # of the whole header, big-endian
KEY_ID_AT = const(6)
SIGNATURE_AT = const(10)
MANIFEST_AT = const(394)
_BYTES_MAX = const(4096)


def length(start):
    """Return how many bytes the header has that starts with these; 0 if it is no header."""
    n = int.from_bytes(start[_LENGTH_AT:KEY_ID_AT], "big")
    return n if start[:_LENGTH_AT] == _MAGIC and MANIFEST_AT < n <= _BYTES_MAX else 0
