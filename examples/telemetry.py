# Telemetry every ten seconds. What cannot be sent waits in memory, with its time.

import asyncio
import gc

import coap
import joining
import thingsboard


async def main():
    settings = joining.settings("access_token")
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"], log=print)
    asyncio.create_task(thingsboard.run(device))
    while True:
        device.record({"free": gc.mem_free()})
        print("waiting to be sent:", len(device.outbox))
        await asyncio.sleep(10)


joining.run(main())
