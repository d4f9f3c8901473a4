# A board that takes updates, one start of it. Arguments: port, folder, public keys, and how many
# milliseconds it is busy with each chunk.
# Says "runs VERSION" and what the updater logs; ends with exit code 5 where a board would reset.

import asyncio
import os
import sys
import time

import coap
import thingsboard
from abupdate.app_slot import AppSlot
from thingsboard.updater import Updater
from trial import Trial

port, root, keys, chunk_ms = int(sys.argv[1]), sys.argv[2] + "/", sys.argv[3], int(sys.argv[4])


async def main():
    trial = Trial(os, root)
    trial.start()
    slot = AppSlot(trial, "UNIX")
    print("runs", slot.current())
    with open(keys, "rb") as f:
        public_keys = f.read()
    client = await coap.connect("127.0.0.1", port)
    device = thingsboard.Device(client, "TOKEN", log=lambda text: print("log", text))

    def progress(offset, total):
        print("done", offset, total)
        time.sleep_ms(chunk_ms)

    reset = lambda: sys.exit(5)  # noqa: E731
    updater = Updater(device, {"sw": slot}, public_keys, reset, progress, connect=coap.connect)
    await thingsboard.run(device, updater)


asyncio.run(main())
