# A board that takes updates, one start of it. Arguments: port, folder, public keys.
# Says "runs VERSION" and what the updater logs; ends with exit code 5 where a board would reset.

import asyncio
import os
import sys

import coap
import thingsboard
import trial
from abupdate.slot import AppSlot
from thingsboard.updater import Updater

port, root, keys = int(sys.argv[1]), sys.argv[2] + "/", sys.argv[3]


async def main():
    t = trial.Trial(os, root)
    t.start()
    slot = AppSlot(t, "UNIX")
    print("runs", slot.current())
    with open(keys, "rb") as f:
        public_keys = f.read()
    client = await coap.connect("127.0.0.1", port)
    device = thingsboard.Device(client, "TOKEN", log=lambda text: print("log", text))
    done = []

    def progress(offset, total):
        done.append(offset)
        print("done", offset, total)

    updater = Updater(device, {"sw": slot}, public_keys, lambda: sys.exit(5), progress)
    await thingsboard.run(device, updater)


asyncio.run(main())
