# How a package comes: the seam between the updater and the ways to download.
#
# A way to download is a coroutine that feeds an abupdate.image.Image from image.offset on, until
# image.offset equals image.size. It may be cancelled at any await: what the slot has by then is
# not lost. It raises Refused for a package that will not do, and what the client raises.

from abupdate import Refused
from micropython import const

_CLIENT_ERROR = const(0x80)  # 4.00
_SERVER_ERROR = const(0xA0)  # 5.00 may be a rate limit


async def download(assignment, image, device, connect, pause, progress):
    """Fetch an assigned package into an Image.

    connect is coap.connect, for packages at a coap:// address; None: they are refused. pause:
    nothing is under way while the flash is written. progress(done, total) is told bytes. Raises
    Refused, also for a response of class 4; and what the client raises.
    """
    try:
        if assignment.url:
            from .url import fetch_url

            await fetch_url(assignment.url, image, connect, progress)
        elif not device.access_token:
            raise Refused("CoAP gives no packages to a device with X.509")
        else:
            from .chunks import fetch_chunks

            path = assignment.prefix, device.access_token
            await fetch_chunks(assignment, path, image, device.client, pause, progress)
    except Exception as error:
        if _CLIENT_ERROR <= getattr(error, "code", 0) < _SERVER_ERROR:
            raise Refused("the server answered %s" % error)
        raise
