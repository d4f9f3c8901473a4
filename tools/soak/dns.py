"""A DNS server that knows one name, or behaves as badly as one can."""

import socket
import struct
import time

from tools.soak.peer import Peer

TTL_S = 1
ANSWER, NAME_ERROR = 0x8180, 0x8183  # flags of a response (RFC 1035 section 4.1.1)
A = 1
POINTER = 0xC00C  # to the name in the question, which follows the header


class DNS(Peer):
    """Answers every question for an A record.

    silent: no answer at all; unknown: there is no such name; delay_s: before each answer; address:
    what the name stands for; carried: whether the board has a link. Each may be changed at any
    time. asked counts the questions.
    """

    def __init__(self, address: str):
        super().__init__()
        self.address = address
        self.silent = False
        self.unknown = False
        self.delay_s = 0.0
        self.carried = True
        self.asked = 0

    def answered(self, query: bytes) -> bytes | None:
        """Return the response to a query of one question."""
        if not self.carried:
            return None
        self.asked += 1
        if self.silent:
            return None
        time.sleep(self.delay_s)
        kind = struct.unpack_from(">H", query, len(query) - 4)[0]
        records = b""
        if not self.unknown and kind == A:
            records = struct.pack(">HHHIH", POINTER, A, 1, TTL_S, 4)
            records += socket.inet_aton(self.address)
        flags = NAME_ERROR if self.unknown else ANSWER
        header = struct.pack(">HHHHH", flags, 1, bool(records), 0, 0)
        return query[:2] + header + query[12:] + records
