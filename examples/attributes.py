# Attributes: one that the device tells, and shared ones that the server sets at any time.

import asyncio
import sys

import coap
import joining
import thingsboard


def changed(values, deleted):
    print("set", values, "deleted", deleted)


async def main():
    settings = joining.settings("access_token")
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"], log=print)
    device.on_attributes(changed)
    asyncio.create_task(thingsboard.run(device))
    await device.send_attributes({"platform": sys.platform})
    print("told", await device.request_attributes(client_keys=("platform",)))
    while True:
        await asyncio.sleep(3600)


joining.run(main())
