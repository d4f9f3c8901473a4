# The codec: one datagram <-> Message (RFC 7252 section 3).
#
# decode() returns a message that is right or raises ValueError; nothing above checks again.

from micropython import const

# Message types (section 3) and methods (section 5.8; FETCH: RFC 8132).
CON = const(0)
NON = const(1)
GET = const(1)
POST = const(2)
PUT = const(3)
DELETE = const(4)
FETCH = const(5)


def _check(right, part):
    if not right:
        raise ValueError("CoAP has no such " + part)


def option_uint(n):
    """Return n as an option value: big-endian, no leading zeros, b"" for 0 (section 3.2)."""
    size = 0
    while n >> 8 * size:
        size += 1
    return n.to_bytes(size, "big")


def add_option(options, number, value):
    """Put an option into a list of them, behind those with the same or a smaller number."""
    i = len(options)
    while i and options[i - 1][0] > number:
        i -= 1
    options.insert(i, (number, value))


class Message:
    """One CoAP message.

    options is a sequence of (number, bytes), numbers ascending: add_option() keeps them so.
    payload is bytes or any buffer.
    """

    # Of an answer to a registration: the peer's ACK came with it, or before it. A notification
    # may overtake the answer and come first, but without an ACK.
    acknowledged = False

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
        """Return the first value of an option as an int, or None."""
        value = self.option(number)
        if value is not None:
            return int.from_bytes(value, "big")

    def encode(self):
        """Return the datagram as a bytearray; raise ValueError for what CoAP cannot express."""
        token = self.token
        mid = self.message_id
        _check(self.type | 3 == 3, "type")
        _check(self.code | 255 == 255, "code")
        _check(mid | 65535 == 65535, "message_id")
        _check(len(token) <= 8, "token")
        # An Empty message is a header.
        _check(self.code or not (token or self.options or len(self.payload)), "payload")
        out = bytearray((0x40 | self.type << 4 | len(token), self.code, mid >> 8, mid & 255))
        out.extend(token)
        previous = 0
        for number, value in self.options:
            _check(previous <= number <= 65535 and len(value) <= 65804, "option")
            at = len(out)
            out.append(0)
            out[at] = _nibble(out, number - previous) << 4 | _nibble(out, len(value))
            out.extend(value)
            previous = number
        if len(self.payload):
            out.append(255)
            out.extend(self.payload)
        return out


def decode(data):
    """Return the Message in a datagram; raise ValueError if there is none (section 3).

    Nothing in the result refers to data.
    """
    size = len(data)
    options = ()
    number = 0
    payload = b""
    try:
        mid = data[2] << 8 | data[3]
        code = data[1]
        at = 4 + (data[0] & 15)
        _check(data[0] >> 6 == 1, "version")
        _check(code >> 5 not in (1, 6, 7), "code")  # reserved classes
        _check(code or size <= 4, "payload")  # an Empty message is a header
        _check(at <= 12, "token")
        token = bytes(data[4:at])
        while at < size:
            byte = data[at]
            at += 1
            if byte == 255:
                payload = bytes(data[at:])
                _check(payload, "payload")
                break
            delta, at = _extended(data, at, byte >> 4)
            length, at = _extended(data, at, byte & 15)
            number += delta
            _check(number <= 65535, "option")
            options = options or []
            options.append((number, bytes(data[at : at + length])))
            at += length
        if at > size:
            raise IndexError
    except IndexError:  # also of a byte that is not there
        raise ValueError("cut short")
    return Message(code, payload, options, data[0] >> 4 & 3, token, mid)


def _nibble(out, n):
    # Return the 4 bits for an option delta or length n; append to out what does not fit them
    # (section 3.1).
    if n < 13:
        return n
    if n < 269:
        out.append(n - 13)
        return 13
    n -= 269
    out.append(n >> 8)
    out.append(n & 255)
    return 14


def _extended(data, at, n):
    # Return the option delta or length that 4 bits n stand for, and where the next byte is.
    if n == 13:
        return data[at] + 13, at + 1
    if n == 14:
        return (data[at] << 8 | data[at + 1]) + 269, at + 2
    _check(n < 15, "option")
    return n, at
