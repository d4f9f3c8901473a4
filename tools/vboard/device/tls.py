# The module `tls` of a virtual board. The cryptography is the interpreter's; what is of a board:
#
# - on an RP2 an association lies in the interpreter's heap, two blocks and the rest (measured, see
#   docs/security.md). Here it lies there from its beginning until the next one;
# - certificates are checked against the board's clock.

import time

import tls as _tls
from micropython import const
from tls import *  # noqa: F403

_BLOCKS = const((16717, 4429, 4000))  # bytes of an association
_HANDSHAKE = const(6300)  # bytes more while it begins
_YEAR = const(2025)  # certificates are newer

_in_heap = False


def begin(port):
    """Called by the start code: the port's module."""
    global _in_heap
    _in_heap = port.TLS_IN_HEAP


class SSLContext(_tls.SSLContext):
    """A context for associations that begin as on the board."""

    _taken = None

    def wrap_socket(self, *arguments, **options):
        if time.gmtime()[0] < _YEAR:
            raise ValueError("The certificate validity starts in the future")
        if _in_heap:
            self._taken = None
            bytearray(_HANDSHAKE)
            self._taken = [bytearray(size) for size in _BLOCKS]
        return super().wrap_socket(*arguments, **options)
