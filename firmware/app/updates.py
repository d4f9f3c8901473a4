# Where this board's updates go: firmware to the second app partition if there is one (`fw_*`, the
# application is `sw_*` then), else the application is all that is updated, as `fw_*`.

import coap
from abupdate.app_slot import AppSlot
from board import board
from thingsboard.updater import Updater


def updater(device, keys, trial, log, restart):
    """Return the Updater of this board.

    keys: public keys; trial: the started Trial; restart(reason) restarts the board.
    """
    percent = 0

    def progress(done, total):
        nonlocal percent
        now = done * 100 // total
        if now // 10 != percent // 10:
            log("update: %d %% of %d bytes" % (now, total))
        percent = now

    return Updater(
        device,
        slots(trial),
        keys,
        lambda: restart("an update"),
        progress,
        pause=board.flash_stops_processor,
        connect=coap.connect,
    )


def slots(trial):
    """Return the slots by the prefix of the attributes that assign to them."""
    application = AppSlot(trial, board.name)
    if board.partition:
        from abupdate.partition_slot import PartitionSlot

        try:
            firmware = PartitionSlot(trial, board.name, board.partition)
            return {"fw": firmware, "sw": application}
        except OSError:
            pass  # an image with one app partition
    return {"fw": application}
