"""Datagrams that a peer might send by error or on purpose: messages damaged, and noise."""

from hypothesis import strategies as st

from tests.support.messages import extended, messages


def byte_of(draw, datagram: bytes) -> int:
    return draw(st.integers(0, len(datagram) - 1))


@st.composite
def damaged(draw) -> bytes:
    """A good datagram with up to three bytes changed, cut out or put in, or cut short."""
    datagram = bytearray(draw(messages).encoded())
    for change in draw(st.lists(st.sampled_from("change cut insert end".split()), max_size=3)):
        if not datagram:
            break
        at = byte_of(draw, datagram)
        if change == "change":
            datagram[at] = draw(st.sampled_from((0, 1, 0x0D, 0x0E, 0x0F, 0xD0, 0xE0, 0xF0, 0xFF)))
        elif change == "cut":
            del datagram[at]
        elif change == "insert":
            datagram.insert(at, draw(st.integers(0, 255)))
        else:
            del datagram[at:]
    return bytes(datagram)


@st.composite
def far_options(draw) -> bytes:
    """A datagram whose option numbers go up in large steps, past the last number."""
    datagram = b"\x40\x01\x00\x00"
    for delta in draw(st.lists(st.sampled_from((0, 12, 268, 30_000, 65_535, 65_804)), max_size=4)):
        nibble, more = extended(delta)
        datagram += bytes([nibble << 4]) + more
    return datagram


noise = st.binary(max_size=40)
header_and_noise = st.tuples(st.integers(0x40, 0x7F), noise).map(lambda t: bytes([t[0]]) + t[1])
datagrams = st.one_of(damaged(), far_options(), header_and_noise, noise)
