# The device under test: does what server-side RPC tells it, prints what it hears.
# Its command "wait" is answered when "release" comes; "tell" prints its parameters.
# Arguments: port, access token, JSON of jobs.run()'s parameters. In the environment: SECURITY.

import asyncio
import gc
import json
import sys
import time

import coap
import thingsboard
from secured import security

gc.threshold(8192)  # as firmware/start.py does

port, access_token, parameters = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])


def tell(**event):
    print(json.dumps(event))


async def main():
    client = await coap.connect("127.0.0.1", port, security=security())
    device = thingsboard.Device(client, access_token or None, log=lambda text: tell(log=text))
    endpoint = client.endpoint
    device.on_attributes(lambda changed, deleted: tell(changed=changed, deleted=deleted))

    def record(params):
        for n in range(params["first"], params["first"] + params["count"]):
            device.record({"n": n}, ts=params.get("ts", 1790000000000) + n)
        return {"queued": len(device.outbox)}

    released = asyncio.Event()

    async def wait(params):
        tell(waits=params)
        await released.wait()
        return {"waited": params}

    def release(params):
        released.set()
        return {}

    device.on_rpc("record", record)
    device.on_rpc("wait", wait)
    device.on_rpc("release", release)
    device.on_rpc("echo", lambda params: {"params": params})
    device.on_rpc("tell", lambda params: tell(told=params))
    device.on_rpc("poison", lambda params: device.outbox.add('{"bad":}', 5))
    device.on_rpc("reconnect", lambda params: ({}, client.reconnect))
    device.on_rpc(
        "stats",
        lambda params: {
            "retransmissions": endpoint.retransmissions,
            "duplicates": endpoint.duplicates,
            "opened": client.transport.opened,
            "queued": len(device.outbox),
            "refused": device.outbox.refused,
            "problem": device.problem,
        },
    )
    asyncio.create_task(beat(device))
    await thingsboard.run(device, **parameters)


async def beat(device):
    # A record every 500 ms, as an application would make: its number, and when it was made.
    start = time.ticks_ms()
    number = 0
    while True:
        device.record({"beat": number, "made": time.ticks_diff(time.ticks_ms(), start)})
        number += 1
        await asyncio.sleep_ms(500)


asyncio.run(main())
