"""A DNS server on loopback that knows one name, or behaves as badly as one can."""

import socket
import struct
import threading
import time

TTL_S = 1
ANSWER, NAME_ERROR = 0x8180, 0x8183  # flags of a response (RFC 1035 section 4.1.1)
A = 1
POINTER = 0xC00C  # to the name in the question, which follows the header


class DNS:
    """`with DNS(address) as dns:` answers every question for an A record on 127.0.0.1, dns.port.

    silent: no answer at all; unknown: there is no such name; delay_s: before each answer; address:
    what the name stands for. Each may be changed at any time. asked counts the questions.
    """

    def __init__(self, address: str):
        self.address = address
        self.silent = False
        self.unknown = False
        self.delay_s = 0.0
        self.asked = 0
        self._closing = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self):
        while True:
            query, peer = self._socket.recvfrom(512)
            if self._closing:
                return
            self.asked += 1
            if self.silent:
                continue
            time.sleep(self.delay_s)
            self._socket.sendto(self.answered(query), peer)

    def answered(self, query: bytes) -> bytes:
        """Return the response to a query of one question."""
        kind = struct.unpack_from(">H", query, len(query) - 4)[0]
        records = b""
        if not self.unknown and kind == A:
            records = struct.pack(">HHHIH", POINTER, A, 1, TTL_S, 4)
            records += socket.inet_aton(self.address)
        flags = NAME_ERROR if self.unknown else ANSWER
        return (
            query[:2] + struct.pack(">HHHHH", flags, 1, bool(records), 0, 0) + query[12:] + records
        )
