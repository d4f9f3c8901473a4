"""Datagrams to messages, and responses by their dotted code."""

import aiocoap
from aiocoap import Code, Message


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
    if len(data) < 4 or data[0] & 15 > 8 or data[-1] == 0xFF and len(data) == 5 + (data[0] & 15):
        return None
    try:
        message = Message.decode(data)
    except (aiocoap.error.UnparsableMessage, ValueError, IndexError):
        return None
    if message.code is Code.EMPTY and len(data) > 4:
        return None
    return message
