"""Responses in the payload format of a device's profile."""

from aiocoap import Message

from ..model.devices import Device
from ..wire.codec import answer

JSON = 50
PROTOBUF = 42


def in_format_of(device: Device, payload: bytes, asked: int | None, code: str = "2.05") -> Message:
    """Return a response; a JSON profile echoes the Content-Format asked for, whatever it is.

    asked: the Content-Format of the request, or None.
    """
    if device.profile.payload == "PROTOBUF":
        content_format = PROTOBUF
    else:
        content_format = JSON if asked is None else asked
    return answer(code, payload, content_format=content_format)
