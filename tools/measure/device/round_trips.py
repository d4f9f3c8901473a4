# Runs on the unix port: telemetry POSTs, one after the other. Arguments: port, number.

import asyncio
import json
import sys
import time

import coap


async def main(port, number):
    client = await coap.connect("127.0.0.1", port)
    path = ("api", "v1", "TOKEN", "telemetry")
    body = b'{"temperature":21.5}'
    await client.post(path, body)
    start = time.ticks_us()
    for _ in range(number):
        await client.post(path, body)
    seconds = time.ticks_diff(time.ticks_us(), start) / 1_000_000
    print(json.dumps({"seconds": seconds}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
