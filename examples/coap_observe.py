# Prints the time that a CoAP server tells every second; libcoap's coap-server has such a resource.

import asyncio

import coap
import joining


async def main():
    settings = joining.settings()
    client = await coap.connect(settings["server"], settings["port"])
    async for message in client.observe("time"):
        print(message.payload.decode())


asyncio.run(main())
