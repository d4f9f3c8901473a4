# Runs on the virtual ESP32, once per boot: what firmware and its updater do, as far as flash is
# concerned. Says the same as update_app.py.

import os

import esp32
from abupdate import partition_slot
from common import install, log_flash
from trial import Trial

BOARD = "ESP32_GENERIC-OTA"


def run(chip, package, version, log=False):
    if log:
        log_flash(chip)
    trial = Trial(os)
    trial.start()
    slot = partition_slot.PartitionSlot(trial, BOARD, esp32.Partition)
    running = running_version()
    print("runs", running, "floor", trial.state["firmware"]["floor"])
    if running == version:
        slot.confirm()
        print("done")
    else:
        install(slot, package)


def running_version():
    """Return the version in the descriptor of the running image (esp_app_desc_t)."""
    buf = bytearray(32)
    esp32.Partition(esp32.Partition.RUNNING).readblocks(0, buf, 48)
    return bytes(buf).rstrip(b"\x00").decode()
