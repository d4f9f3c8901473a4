# Telemetry every ten seconds, a shared attribute and a command; try it with `make sim`.

import asyncio
import gc

import coap
import thingsboard


async def main():
    client = await coap.connect("127.0.0.1")
    device = thingsboard.Device(client, access_token="DEMO", log=print)
    device.on_attributes(lambda changed, deleted: print("attributes", changed, deleted))
    device.on_rpc("echo", lambda params: {"params": params})
    asyncio.create_task(thingsboard.run(device))
    while True:
        device.record({"free": gc.mem_free()})
        await asyncio.sleep(10)


asyncio.run(main())
