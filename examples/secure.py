# Telemetry over DTLS: settings.json names "trusted", the certificate of the server's CA in DER,
# and perhaps "certificate" and "key", which stand in the place of an access token.

import asyncio
import gc

import coap
import joining
import thingsboard
from coap.dtls import Security


def read(name):
    if not name:
        return None
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        raise ValueError("%s: no such file" % name)


async def main():
    settings = joining.settings(port=5684)
    # One for the life of the program: its context is large.
    security = Security(
        read(settings.get("trusted")),
        read(settings.get("certificate")),
        read(settings.get("key")),
        settings.get("server_name"),
    )
    client = await coap.connect(settings["server"], settings["port"], security=security)
    device = thingsboard.Device(client, settings.get("access_token"), log=print)
    asyncio.create_task(thingsboard.run(device))
    while True:
        device.record({"free": gc.mem_free()})
        print("waiting to be sent:", len(device.outbox))
        await asyncio.sleep(10)


try:
    asyncio.run(main())
except ValueError as error:  # a file that is not there, or does not do
    joining.end("secure: %s" % error)
