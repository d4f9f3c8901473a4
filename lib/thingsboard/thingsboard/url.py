# Packages elsewhere: fw_url, sw_url of any CoAP server, block by block (RFC 7959).

from abupdate import Refused
from micropython import const

_BLOCK = const(1024)
_PORT = const(5683)
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
    """Return (host, port, path, sequence of queries) of a coap:// URL; Refused for any other."""
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    host, _, path = rest.partition("/")
    host, _, port = host.partition(":")
    if scheme != "coap" or port and not port.isdigit():
        raise Refused("cannot fetch " + url)
    return host, int(port or _PORT), path, query.split("&") if query else ()
