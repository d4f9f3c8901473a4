"""What of two datagrams of the server is the same, though their bytes are not."""

import json
import re

from aiocoap import Message
from aiocoap.numbers.types import ACK, RST

PROTOBUF = 42  # a Content-Format
WITH_LENGTH = 2  # a wire type
TIME = re.compile(rb"\x08[\x80-\xff]{5}[\x00-\x7f]")  # field 1 of a TsKvProto
DRAWN = re.compile("[A-Za-z0-9]{20}")  # an access token that the server made up
DRAWN_PROTOBUF = re.compile(rb"(\x1a\x14)[A-Za-z0-9]{20}")


def said(datagram: bytes, clock: bool = False) -> dict:
    """Return all of a datagram but what differs between any two servers: message ids of its own,
    times, made-up access tokens, the order of keys. clock: the payload is the time.
    """
    message = Message.decode(datagram)
    answers = message.mtype in (ACK, RST)
    return {
        "type": message.mtype.name,
        "code": message.code.dotted,
        "token": message.token.hex(),
        "message id": message.mid if answers else None,
        "options": [(int(o.number), o.encode().hex()) for o in message.opt.option_list()],
        "payload": len(message.payload) if clock else meaning(message),
    }


def meaning(message: Message):
    payload, block = message.payload, message.opt.block2
    if message.opt.content_format == PROTOBUF:
        return sorted(TIME.sub(b"", field) for field in fields(payload))
    if block and (block.more or block.block_number):
        return payload
    try:
        value = json.loads(payload)
    except ValueError:
        return DRAWN_PROTOBUF.sub(b"\\1", payload)
    if isinstance(value, dict):
        if isinstance(value.get("deleted"), list):
            value["deleted"].sort()
        if DRAWN.fullmatch(str(value.get("credentialsValue"))):
            value["credentialsValue"] = "drawn"
    return value


def fields(payload: bytes) -> list[bytes]:
    """Return the fields of a Protobuf message, each with its tag; its numbers are of one byte."""
    found, rest = [], payload
    while rest:
        end = 2 + (rest[1] if rest[0] & 7 == WITH_LENGTH else 0)
        found.append(rest[:end])
        rest = rest[end:]
    return found
