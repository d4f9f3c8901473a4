# Prints the time that a CoAP server tells every second; libcoap's coap-server has such a resource.

import coap
import joining


async def main():
    settings = joining.settings()
    client = await coap.connect(settings["server"], settings["port"])
    async for message in client.observe("time", timeout_ms=20_000):
        print(message.payload.decode())


joining.run(main())
