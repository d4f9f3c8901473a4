# Runs on the unix port: an association by DTLS, or none, and one report. Arguments: port, then
# files in DER: the trusted certificate, and our own with its key.

import asyncio
import gc
import json
import sys
import time

import coap


async def main(port, *files):
    contents = []
    for name in files:
        with open(name, "rb") as file:
            contents.append(file.read())
    security = None
    gc.collect()
    before = gc.mem_alloc()
    if contents:
        from coap.dtls import Security

        security = Security(*contents)
    client = await coap.connect("127.0.0.1", port, security=security)
    start = time.ticks_us()
    client.reconnect()
    while not client.transport.opened:
        await asyncio.sleep_ms(1)
    handshake_us = time.ticks_diff(time.ticks_us(), start)
    gc.collect()
    heap = gc.mem_alloc() - before
    print(json.dumps({"handshake_us": handshake_us, "heap": heap}))
    sys.stdin.readline()  # who counts looks now
    path = (
        ("api", "v1", "telemetry") if len(contents) == 3 else ("api", "v1", "TOKEN", "telemetry")
    )
    await client.post(path, b'{"temperature":21.5}')
    await asyncio.sleep_ms(100)  # until our acknowledgement is out


asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
