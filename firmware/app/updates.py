# Where this board's updates go: firmware to the second app partition if there is one (`fw_*`, the
# application is `sw_*` then), else the application is all that is updated, as `fw_*`.

import sys

import coap
import machine
from abupdate.slot import AppSlot
from thingsboard.updater import Updater


def updater(device, keys, chosen, log):
    """Return the Updater of this board; chosen is the started Trial."""
    percent = 0

    def progress(done, total):
        nonlocal percent
        now = done * 100 // total
        if now // 10 != percent // 10:
            log("update: %d %% of %d bytes" % (now, total))
        percent = now

    return Updater(
        device,
        slots(chosen),
        keys,
        machine.reset,
        progress,
        pause=sys.platform == "rp2",  # its processor stands still while flash is written
        connect=coap.connect,
    )


def slots(chosen):
    board = getattr(sys.implementation, "_build", sys.platform)
    application = AppSlot(chosen, board)
    try:
        from abupdate.partition import PartitionSlot
        from esp32 import Partition

        return {"fw": PartitionSlot(chosen, board, Partition), "sw": application}
    except (ImportError, OSError):  # no ESP32, or an image with one app partition
        return {"fw": application}
