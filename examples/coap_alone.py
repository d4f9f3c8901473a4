# CoAP without ThingsBoard's device API: one request, and what may come of it.
#
# Every ThingsBoard answers this one, also without a token: the Unix time in four bytes.

import asyncio

import coap
import joining


async def main():
    settings = joining.settings()
    client = await coap.connect(settings["server"], settings["port"])
    try:
        response = await client.get("efento/t", timeout_ms=20_000)
        print("Unix time", int.from_bytes(response.payload, "big"))
    except coap.ResponseError as error:
        print("the server says no:", str(error))
    except OSError as error:
        print("the network:", error)
    client.close()


asyncio.run(main())
