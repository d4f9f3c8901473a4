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
        slots(trial, log),
        keys,
        lambda: restart("an update"),
        progress,
        pause=board.flash_stops_processor,
        connect=coap.connect,
    )


def slots(trial, log):
    """Return the slots by the prefix of the attributes that assign to them.

    log is told where the boot loader did not start what was activated.
    """
    application = AppSlot(trial, board.name)
    if board.partition:
        try:
            from abupdate.partition_slot import PartitionSlot

            before = trial.state["firmware"]["run"]
            firmware = PartitionSlot(trial, board.name, board.partition)
            run = trial.state["firmware"]["run"]
            if before["id"] and run != before:
                words = "update: firmware %s in %s is left for %s %s"
                old = before["version"], before["slot"]
                log((words % (old + (run["slot"], run["version"]))).strip())
            return {"fw": firmware, "sw": application}
        except (ImportError, OSError):
            pass  # an image with one app partition
    return {"fw": application}
