"""Datagrams to messages, and responses by their dotted code."""

import aiocoap
from aiocoap import Code, Message

MARKER = "Found payload marker (0xFF) but message contains no payload"
CUT_OFF = "Message contains option of length {} with only fewer bytes left in the message"


def answer(code: str, payload: bytes = b"", **options) -> Message:
    """Return a response; code as "4.08", options by the names of aiocoap's Options."""
    group, detail = code.split(".")
    message = Message(code=Code(int(group) << 5 | int(detail)), payload=payload)
    for name, value in options.items():
        setattr(message.opt, name, value)
    return message


def decode(data: bytes) -> Message | None:
    """Return the message of a datagram, or None. aiocoap's codec takes some that RFC 7252 section
    3 forbids.
    """
    if len(data) < 4 or data[0] & 15 > 8 or complaint(data):
        return None
    try:
        message = Message.decode(data)
    except (aiocoap.error.UnparsableMessage, ValueError, IndexError):
        return None
    if message.code is Code.EMPTY and len(data) > 4:
        return None
    return message


def complaint(data: bytes) -> str | None:
    """Return the server's words about options that are cut off, or about a payload marker with
    nothing after it; None: it has none about this datagram.
    """
    position = 4 + (data[0] & 15)
    while position < len(data):
        head = data[position]
        position += 1
        if head == 0xFF:
            return MARKER if position == len(data) else None
        _, position = _extended(data, position, head >> 4)
        length, position = _extended(data, position, head & 15)
        position += length
        if position > len(data):
            return CUT_OFF.format(length)
    return None


def _extended(data: bytes, position: int, nibble: int) -> tuple[int, int]:
    """Return an option's delta or length, and where the next field begins (RFC 7252 section
    3.1).
    """
    size = nibble - 12
    if size <= 0:
        return nibble, position
    base = 13 if size == 1 else 269
    return base + int.from_bytes(data[position : position + size], "big"), position + size
