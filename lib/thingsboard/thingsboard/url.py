# Packages elsewhere: fw_url, sw_url of any CoAP server, block by block (RFC 7959).

from abupdate.verify import Refused
from micropython import const

_BLOCK = const(1024)
_MAX_BODY = const(1 << 28)  # the signed manifest says how much it is


async def download(connect, url, image, progress):
    """Feed an Image from coap://host[:port]/path[?query], from where it wants to go on.

    connect is coap.connect. Raises Refused, and what Client.get() raises.
    """
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    host, _, path = rest.partition("/")
    host, _, port = host.partition(":")
    if scheme != "coap" or not connect or port and not port.isdigit():
        raise Refused("cannot fetch " + url)

    def sink(data):
        nonlocal at
        image.feed(at, data)
        at += len(data)
        if image.size:
            progress(image.offset, image.size)
        if image.offset > at:
            raise EOFError  # the slot has what comes next

    client = await connect(host, int(port or 5683))
    query = query and query.split("&")
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
