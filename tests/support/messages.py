"""Generated CoAP messages, as plain data that every codec can be compared by."""

import struct
from dataclasses import dataclass, field

from hypothesis import strategies as st

STRINGS = (3, 8, 11, 15, 20, 35, 39)  # options that are UTF-8 text
UINTS = (6, 7, 12, 14, 17, 28, 60, 258)
BLOCKS = (23, 27)
OPAQUE = (0, 1, 2, 4, 5, 10, 24, 25, 269, 270, 281, 282, 2049, 12345, 65000, 65535)
CODES = [*range(1, 8), *range(0x41, 0x46), 0x5F, *range(0x80, 0x87), 0x88, 0x8D, 0xA0, 0xA5]
# Lengths around the borders of the extended forms (RFC 7252 section 3.1).
LENGTHS = (0, 1, 8, 12, 13, 14, 267, 268, 269, 270, 524)


@dataclass
class Fields:
    """What a datagram says. options are sorted by number, repeated ones in their order."""

    type: int
    code: int
    token: bytes
    message_id: int
    options: list[tuple[int, bytes]] = field(default_factory=list)
    payload: bytes = b""

    @classmethod
    def of(cls, message) -> "Fields":
        """Those of a coap.Message."""
        options = [(number, bytes(value)) for number, value in message.options]
        return cls(
            message.type,
            message.code,
            bytes(message.token),
            message.message_id,
            options,
            bytes(message.payload),
        )

    def encoded(self) -> bytes:
        """The datagram, by an encoder that shares nothing with the one under test."""
        out = struct.pack(
            ">BBH", 0x40 | self.type << 4 | len(self.token), self.code, self.message_id
        )
        out += self.token
        previous = 0
        for number, value in self.options:
            delta, delta_more = extended(number - previous)
            length, length_more = extended(len(value))
            out += bytes([delta << 4 | length]) + delta_more + length_more + value
            previous = number
        return out + (b"\xff" + self.payload if self.payload else b"")


def extended(n: int) -> tuple[int, bytes]:
    """Return the 4 bits and the further bytes of an option delta or length."""
    if n < 13:
        return n, b""
    return (13, bytes([n - 13])) if n < 269 else (14, struct.pack(">H", n - 269))


def shortest(n: int) -> bytes:
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


any_length = st.sampled_from(LENGTHS).flatmap(lambda n: st.binary(min_size=n, max_size=n))
option = st.one_of(
    st.tuples(st.sampled_from(STRINGS), st.text(max_size=60).map(str.encode)),
    st.tuples(st.sampled_from(STRINGS), st.sampled_from(LENGTHS).map(lambda n: b"x" * n)),
    st.tuples(st.sampled_from(UINTS), st.integers(0, 2**32 - 1).map(shortest)),
    st.tuples(st.sampled_from(BLOCKS), st.integers(0, 2**24 - 1).map(shortest)),
    st.tuples(st.sampled_from(OPAQUE), any_length),
)
options = st.lists(option, max_size=12).map(lambda found: sorted(found, key=lambda o: o[0]))
messages = st.builds(
    Fields,
    type=st.integers(0, 3),
    code=st.sampled_from(CODES),
    token=st.binary(max_size=8),
    message_id=st.integers(0, 0xFFFF),
    options=options,
    payload=st.one_of(st.binary(max_size=40), any_length),
)
