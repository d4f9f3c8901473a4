# A device without credentials becomes one with; try it with `make sim`.

import asyncio

import coap
import thingsboard


async def main():
    client = await coap.connect("127.0.0.1")
    try:
        credentials = await thingsboard.provision(
            client, "demo-key", "demo-secret", deviceName="pump-7"
        )
    except ValueError as error:
        print(error)
    else:
        print(credentials["credentialsType"])  # the value is a secret
    client.close()


asyncio.run(main())
