# One start of a board that takes updates. Arguments: port, folder, public keys, how many
# milliseconds it is busy with each block, its access token, and fw or sw.
# Says "runs VERSION" and what the updater logs; ends with exit code 5 where a board would reset.

import asyncio
import gc
import sys
import time

import coap
import update_board

gc.threshold(8192)  # as firmware/main.py does
port, root, keys, block_ms = int(sys.argv[1]), sys.argv[2] + "/", sys.argv[3], int(sys.argv[4])
access_token, prefix = sys.argv[5:7]


def log(text):
    print("log", text)


def progress(offset, total):
    print("done", offset, total)
    time.sleep_ms(block_ms)


def reset():
    sys.exit(5)


async def main():
    slot = update_board.start("UNIX", root)
    print("runs", slot.current())
    client = await coap.connect("127.0.0.1", port)
    await update_board.serve(client, access_token, {prefix: slot}, keys, reset, log, progress)


asyncio.run(main())
