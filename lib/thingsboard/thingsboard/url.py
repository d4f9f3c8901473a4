# Packages elsewhere: fw_url, sw_url of any CoAP server, block by block (RFC 7959).

from binascii import unhexlify

from abupdate import Refused
from micropython import const

_BLOCK = const(1024)
_PORT = const(5683)
_PORT_MAX = const(65535)
_OPTION_MAX = const(255)  # bytes (RFC 7252 table 4)
_MAX_BODY = const(1 << 28)  # the signed manifest says how much it is


async def fetch_url(url, image, connect, progress):
    """Feed an Image from coap://host[:port]/path[?query]; see updater.py.

    connect is coap.connect. Raises Refused, and what Client.get() raises.
    """
    host, port, path, query = split(url)
    if not connect:
        raise Refused("this board fetches no " + url)

    at = image.offset

    def sink(data):
        nonlocal at
        image.feed(at, data)
        at += len(data)
        if image.size:
            progress(image.offset, image.size)
        if image.offset > at:
            raise EOFError  # the slot has what comes next

    client = await connect(host, port)
    try:
        while image.offset != image.size:
            at = image.offset // _BLOCK * _BLOCK
            try:
                await client.get(path, query=query, sink=sink, max_body=_MAX_BODY, offset=at)
            except EOFError:
                continue
            if image.offset != image.size:
                raise Refused("shorter than its manifest says")
    finally:
        client.close()


def split(url):
    """Return (host, port, path, query) of a coap:// URL, the latter two sequences of strings.

    As RFC 7252 section 6.4 says: percent-encoding is decoded, empty segments stay. Raises Refused
    for any other URL.
    """
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("#")[0].partition("?")
    authority, _, path = rest.partition("/")
    host, bracket, port = authority.partition("]")
    if bracket:  # IPv6
        host = host[1:]
    else:
        host, colon, port = authority.partition(":")
        port = colon + port
    port = port[1:] or str(_PORT)
    try:
        if scheme.lower() != "coap" or not host or not 0 < int(port) <= _PORT_MAX:
            raise ValueError
        path = [_decode(segment) for segment in path.split("/")] if path else ()
        query = [_decode(item) for item in query.split("&")] if query else ()
        return _decode(host).lower(), int(port), path, query
    except ValueError:
        raise Refused("cannot fetch " + url)


def _decode(text):
    # A part of a URL without its percent-encoding. Raises ValueError.
    first, *others = text.split("%")
    data = first.encode()
    for other in others:
        if len(other) < 2:
            raise ValueError
        data += unhexlify(other[:2]) + other[2:].encode()
    if len(data) > _OPTION_MAX:
        raise ValueError
    return data.decode()
