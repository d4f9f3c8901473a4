# Runs on the virtual board: a device that takes updates, as settings.json says. Says "reset" where
# a board would start anew, and whatever the libraries report.

import asyncio
import json
import os

import coap
import thingsboard
from abupdate.app_slot import AppSlot
from thingsboard.updater import Updater
from trial import Trial


async def main():
    with open("settings.json") as f:
        settings = json.load(f)
    with open("update.keys", "rb") as f:
        keys = f.read()
    trial = Trial(os)
    trial.start()
    client = await coap.connect("127.0.0.1", settings["port"])
    device = thingsboard.Device(client, settings["token"], log=print)
    slots = {"fw": AppSlot(trial, settings["board"])}
    reset = lambda: print("reset")  # noqa: E731
    updater = Updater(device, slots, keys, reset, pause=settings["pause"])
    await thingsboard.run(device, updater)


def run():
    asyncio.run(main())
