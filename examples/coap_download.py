# Streams a large resource to a file, block by block; no more than one block is in memory. Try it
# with libcoap's coap-server, which keeps what it is given.

import coap
import joining


async def main():
    settings = joining.settings()
    client = await coap.connect(settings["server"], settings["port"])
    await client.put("example_data", bytes(16_000), timeout_ms=20_000)
    with open("download.tmp", "wb") as f:
        await client.get("example_data", sink=f.write, max_body=1_000_000)
        print(f.tell(), "bytes in download.tmp")
    client.close()


joining.run(main())
