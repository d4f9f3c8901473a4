# The smallest board that takes updates, for tests and measurements: of firmware/main.py and
# firmware/app what an update needs, without settings, watchdog, Wi-Fi and an application.

import os

import coap
import thingsboard
from abupdate.app_slot import AppSlot
from thingsboard.updater import Updater
from trial import Trial


def start(board, root="/"):
    """Choose what runs below root, as at every start; return the AppSlot for the other folder.

    board is the name that packages must have.
    """
    trial = Trial(os, root)
    trial.start()
    return AppSlot(trial, board)


async def serve(client, access_token, slots, keys, reset, log=print, progress=None, pause=False):
    """Be a device whose updates go into slots ({"fw" or "sw": slot}), until cancelled.

    client is a connected coap.Client, keys the path of the file of public keys. reset() is called
    when a board would start anew; progress(offset, total) and pause are the Updater's.
    """
    with open(keys, "rb") as f:
        public_keys = f.read()
    device = thingsboard.Device(client, access_token, log=log)
    updater = Updater(device, slots, public_keys, reset, progress, pause, coap.connect)
    await thingsboard.run(device, updater)
