# Signed updates into two folders: assign a package in ThingsBoard, or `assign FILE` in `make sim`.
#
# Copied to a board as main.py, it runs at every start and says what that is; firmware/ has a whole
# one, with a watchdog. update.keys comes of
# `.venv/bin/python -m tools.package board-keys -o update.keys`.

import os
import sys

import coap
import joining
import machine
import thingsboard
from abupdate.app_slot import AppSlot
from thingsboard.updater import Updater
from trial import Trial

trial = Trial(os, os.getcwd().rstrip("/") + "/")
sys.path.insert(0, trial.start())  # what is imported from here on may be an update's
reset = getattr(machine, "reset", sys.exit)  # on a PC: run it again


def progress(done, total):
    print("update: %d of %d bytes" % (done, total))


async def main():
    settings = joining.settings("access_token")
    keys = joining.read("update.keys", "tools.package board-keys makes it")
    slot = AppSlot(trial, getattr(sys.implementation, "_build", sys.platform))
    print("runs %s %s" % slot.current())
    client = await coap.connect(settings["server"], settings["port"])
    device = thingsboard.Device(client, settings["access_token"], log=print)
    pause = sys.platform == "rp2"  # it hears nothing while it writes to its flash
    updater = Updater(device, {"fw": slot}, keys, reset, progress, pause, coap.connect)
    await thingsboard.run(device, updater)


joining.run(main())
