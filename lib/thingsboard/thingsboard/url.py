# Packages elsewhere: fw_url, sw_url at any CoAP server. Sans-I/O.

from binascii import unhexlify

from abupdate import Refused
from micropython import const

_PORT = const(5683)
_PORT_MAX = const(65535)
_OPTION_MAX = const(255)  # bytes (RFC 7252 table 4)


async def reach(url, connect, window_limit):
    """Return (client, path, query) of a coap:// URL; connect is coap.connect. Raises Refused."""
    host, port, path, query = split(url)
    if not connect:
        raise Refused("this board fetches no " + url)
    return await connect(host, port, window_limit=window_limit), path, query


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
