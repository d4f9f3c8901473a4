# Streams a large resource to a file, block by block; no more than one block is in memory.

import asyncio

import coap


async def main():
    client = await coap.connect("127.0.0.1")
    with open("download.tmp", "wb") as f:
        await client.get("large", sink=f.write, max_body=1_000_000)
    client.close()


asyncio.run(main())
