# Runs on the unix port, from bytecode: heap of an idle client, and of one telemetry round trip.

import asyncio
import gc
import json
import sys

_ROUND_TRIPS = 100


async def main(port):
    # asyncio loads its parts when first asked for; an application has them anyway.
    for name in ("Event", "gather", "wait_for_ms"):
        getattr(asyncio, name)
    gc.collect()
    before = gc.mem_alloc()
    import coap

    client = await coap.connect("127.0.0.1", port)
    await client.ping()
    gc.collect()
    idle = gc.mem_alloc() - before

    import thingsboard

    device = thingsboard.Device(client, access_token="TOKEN")
    await device.send_telemetry({"temperature": 21.5})  # what happens only once is not counted
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(_ROUND_TRIPS):
        await device.send_telemetry({"temperature": 21.5})
    each = (gc.mem_alloc() - before) // _ROUND_TRIPS
    print(json.dumps({"client": idle, "round_trip": each}))


asyncio.run(main(int(sys.argv[1])))
