# Prints the time that a CoAP server tells every second; try it with libcoap's coap-server.

import asyncio

import coap


async def main():
    client = await coap.connect("127.0.0.1")
    async for message in client.observe("time"):
        print(message.payload.decode())


asyncio.run(main())
