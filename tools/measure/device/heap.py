# Runs on the unix port, from bytecode: heap of an idle client, of one telemetry round trip, and of
# a session with an updater. Arguments: port, folder for the updater's slot.

import asyncio
import gc
import json
import os
import sys

_ROUND_TRIPS = 100
_SETTLE_MS = 2000  # until the session has registered, and said what runs


async def main(port, folder):
    # asyncio loads its parts when first asked for; an application has them anyway.
    for name in ("Event", "gather", "wait_for_ms"):
        getattr(asyncio, name)
    start = used()
    import coap

    client = await coap.connect("127.0.0.1", port)
    await client.ping()
    idle = used() - start

    import thingsboard

    device = thingsboard.Device(client, access_token="TOKEN")
    await device.send_telemetry({"temperature": 21.5})  # what happens only once is not counted
    before = used()
    gc.disable()
    for _ in range(_ROUND_TRIPS):
        await device.send_telemetry({"temperature": 21.5})
    each = (gc.mem_alloc() - before) // _ROUND_TRIPS
    gc.enable()

    session = asyncio.create_task(thingsboard.run(device, updater(device, folder)))
    await asyncio.sleep_ms(_SETTLE_MS)
    running = used() - start
    session.cancel()
    print(json.dumps({"client": idle, "round_trip": each, "session": running}))


def updater(device, folder):
    import trial
    from abupdate.app_slot import AppSlot
    from thingsboard.updater import Updater

    started = trial.Trial(os, folder)
    started.start()
    return Updater(device, {"fw": AppSlot(started, "UNIX")}, b"", None)


def used():
    gc.collect()
    return gc.mem_alloc()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
