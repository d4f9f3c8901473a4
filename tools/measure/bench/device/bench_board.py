# Runs on the virtual board: a device that takes updates, as settings.json says. Says "reset" where
# a board would start anew, and whatever the libraries report.

import asyncio
import json

import coap
import update_board


async def main():
    with open("settings.json") as f:
        settings = json.load(f)
    slots = {"fw": update_board.start(settings["board"])}
    client = await coap.connect("127.0.0.1", settings["port"], window_limit=settings["window"])
    reset = lambda: print("reset")  # noqa: E731
    await update_board.serve(
        client, settings["token"], slots, "update.keys", reset, pause=settings["pause"]
    )


def run():
    asyncio.run(main())
