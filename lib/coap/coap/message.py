# The codec: one datagram <-> Message (RFC 7252 section 3).
#
# decode() returns a message that is right or raises MessageError; nothing above checks again.

from micropython import const

# Message types, RFC 7252 section 3.
CON = const(0)
NON = const(1)
ACK = const(2)
RST = const(3)

# Codes, RFC 7252 section 12.1: class << 5 | detail.
GET = const(1)
POST = const(2)
PUT = const(3)
DELETE = const(4)
FETCH = const(5)  # RFC 8132
CREATED = const(0x41)
DELETED = const(0x42)
VALID = const(0x43)
CHANGED = const(0x44)
CONTENT = const(0x45)
CONTINUE = const(0x5F)
BAD_REQUEST = const(0x80)
UNAUTHORIZED = const(0x81)
NOT_FOUND = const(0x84)
INCOMPLETE = const(0x88)  # 4.08 Request Entity Incomplete
TOO_LARGE = const(0x8D)  # 4.13 Request Entity Too Large
SERVER_ERROR = const(0xA0)

# Option numbers, RFC 7252 section 12.2, RFC 7641, RFC 7959.
ETAG = const(4)
OBSERVE = const(6)
URI_PATH = const(11)
CONTENT_FORMAT = const(12)
URI_QUERY = const(15)
BLOCK2 = const(23)
BLOCK1 = const(27)
SIZE2 = const(28)
SIZE1 = const(60)


class MessageError(ValueError):
    """The datagram is no CoAP message."""


def code_text(code):
    """Return a code as the RFC writes it: 0x84 is "4.04"."""
    return "%d.%02d" % (code >> 5, code & 31)


def option_uint(n):
    """Return n as an option value: big-endian, no leading zeros, b"" for 0 (section 3.2)."""
    size = 0
    while n >> 8 * size:
        size += 1
    return n.to_bytes(size, "big")


class Message:
    """One CoAP message.

    options is a list of (number, value) in any order, value bytes; repeated options keep their order.
    payload is bytes or any buffer.
    """

    def __init__(self, code=0, payload=b"", options=(), type=CON, token=b"", message_id=0):
        self.code = code
        self.payload = payload
        self.options = options
        self.type = type
        self.token = token
        self.message_id = message_id

    def option(self, number):
        """Return the first value of an option, or None."""
        for n, value in self.options:
            if n == number:
                return value

    def uint(self, number):
        """Return the first value of an option as an int, or None; None also beyond 32 bits."""
        value = self.option(number)
        if value is not None and len(value) <= 4:
            return int.from_bytes(value, "big")

    def encode(self):
        """Return the datagram as a bytearray; raise ValueError for what CoAP cannot express."""
        token = self.token
        empty = not (token or self.options or len(self.payload))
        if not (0 <= self.type <= 3 and 0 <= self.code <= 255 and 0 <= self.message_id <= 65535):
            raise ValueError("type, code or message id out of range")
        if len(token) > 8 or not (self.code or empty):
            raise ValueError("token of more than 8 bytes, or an Empty message that is not empty")
        out = bytearray(4)
        out[0] = 0x40 | self.type << 4 | len(token)
        out[1] = self.code
        out[2] = self.message_id >> 8
        out[3] = self.message_id & 255
        out.extend(token)
        previous = 0
        for number, value in _in_order(self.options):
            if not 0 <= number <= 65535:
                raise ValueError("option number %d out of range" % number)
            at = len(out)
            out.append(0)
            out[at] = _nibble(out, number - previous) << 4 | _nibble(out, len(value))
            out.extend(value)
            previous = number
        if len(self.payload):
            out.append(0xFF)
            out.extend(self.payload)
        return out


def decode(data):
    """Return the Message in a datagram; raise MessageError if there is none (section 3).

    Nothing in the result refers to data.
    """
    size = len(data)
    if size < 4 or data[0] >> 6 != 1:
        raise MessageError("too short, or another version")
    code = data[1]
    at = 4 + (data[0] & 15)
    if at > 12 or at > size:
        raise MessageError("token length")
    if code >> 5 in (1, 6, 7) or not code and size > 4:
        raise MessageError("reserved code, or Empty with trailing bytes")
    token = bytes(data[4:at])
    options = []
    number = 0
    payload = b""
    while at < size:
        delta = data[at] >> 4
        length = data[at] & 15
        at += 1
        if delta == 15:
            if length != 15 or at == size:
                raise MessageError("reserved option delta, or a marker without payload")
            payload = bytes(data[at:])
            break
        try:
            if delta > 12:
                delta, at = _extended(data, at, delta)
            if length > 12:
                length, at = _extended(data, at, length)
        except IndexError:
            length = size
        number += delta
        if number > 65535 or at + length > size:
            raise MessageError("option number or length")
        options.append((number, bytes(data[at : at + length])))
        at += length
    return Message(
        code, payload, options, data[0] >> 4 & 3, token, data[2] << 8 | data[3]
    )


def _in_order(options):
    # MicroPython's sort is not stable, and the order of repeated options has a meaning.
    result = []
    for option in options:
        i = len(result)
        while i and result[i - 1][0] > option[0]:
            i -= 1
        result.insert(i, option)
    return result


def _nibble(out, n):
    # Option delta or length n: returns its 4 bits, appends what does not fit them (section 3.1).
    if n < 13:
        return n
    if n < 269:
        out.append(n - 13)
        return 13
    n -= 269
    if n > 65535:
        raise ValueError("option value of more than 65804 bytes")
    out.append(n >> 8)
    out.append(n & 255)
    return 14


def _extended(data, at, nibble):
    if nibble == 13:
        return data[at] + 13, at + 1
    if nibble == 15:
        raise MessageError("reserved option length")
    return (data[at] << 8 | data[at + 1]) + 269, at + 2
