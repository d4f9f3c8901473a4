# Packets of the Domain Name System (RFC 1035), sans-I/O: one question, and what its answer says.

from micropython import const

A = const(1)  # types of a question: IPv4
AAAA = const(28)  # IPv6 (RFC 3596)

_HEADER = const(12)
_ONE_QUESTION = b"\1\0\0\1\0\0\0\0\0\0"  # the rest of the header; recursion is desired
_POINTER = const(0xC0)  # the rest of a name stands elsewhere (section 4.1.4)
_LONGEST = const(255)  # bytes of a name, its root's included (section 2.3.4)


def query(name, id, type=A):
    """Return the bytes that ask for the addresses of a name; id is random, of 16 bits.

    Raises ValueError for a name that cannot be asked for: a part of it is empty or has more than
    63 bytes, or all have more than 255.
    """
    packet = bytes((id >> 8, id & 255)) + _ONE_QUESTION
    for label in name.rstrip(".").split("."):
        label = label.encode()
        if not 0 < len(label) < 64:
            raise ValueError("no host name")
        packet += bytes((len(label),)) + label
    if len(packet) >= _HEADER + _LONGEST:
        raise ValueError("no host name")
    return packet + bytes((0, 0, type, 0, 1))


def answer(data, query):
    """Return (code, addresses) of the answer to a query; the addresses are texts.

    code is 0, 3 (there is no such name), or another one of section 4.1.1: this server cannot tell.
    Without addresses 0 means that the name has none of this type. Where the name is another one's
    alias (CNAME), the addresses are that one's, from the same answer.
    Raises ValueError for what is cut, or no answer to this query: another id or question.
    """
    at = len(query)
    try:
        # The question comes back as it was asked, but letters may change case.
        asked = data[_HEADER:at].lower() == query[_HEADER:].lower()
        if data[:2] != query[:2] or not asked or data[2] & 0xF8 != 0x80 or data[4:6] != b"\0\1":
            raise ValueError("another answer")
        size = 16 if query[-3] == AAAA else 4
        addresses = []
        for _ in range(data[6] << 8 | data[7]):
            # Whose record it is does not matter: the section has the name and its aliases. So no
            # pointer is followed, and none can lead in circles.
            while 0 < data[at] < _POINTER:
                at += 1 + data[at]
            at += 2 if data[at] else 1
            kind = data[at : at + 4]
            start = at + 10
            at = start + (data[start - 2] << 8 | data[start - 1])
            if at > len(data):
                raise IndexError
            if kind == query[-4:] and at - start == size:
                addresses.append(_text(data[start:at]))
    except IndexError:
        raise ValueError("cut")
    return data[3] & 15, addresses


def _text(address):
    if len(address) == 4:
        return "%d.%d.%d.%d" % tuple(address)
    return ":".join(["%02x%02x" % (address[i], address[i + 1]) for i in range(0, 16, 2)])
