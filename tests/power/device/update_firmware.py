# Runs on the virtual ESP32, once per boot: what firmware and its updater do, as far as flash is
# concerned. Says the same as update_app.py.

import os
from binascii import hexlify

import esp32
import trial
from abupdate import image, partition

BOARD = "ESP32_GENERIC-OTA"
CHUNK = 1024


def run(chip, package, version, log=False):
    if log:
        log_flash(chip)
    t = trial.Trial(os)
    t.start()
    slot = partition.PartitionSlot(t, BOARD, esp32.Partition)
    running = running_version()
    print("runs", running, "floor", t.state["firmware"][4])
    if running == version:
        slot.confirm()
        print("done")
    else:
        update(slot, package)


def running_version():
    """Return the version in the descriptor of the running image (esp_app_desc_t)."""
    buf = bytearray(32)
    esp32.Partition(esp32.Partition.RUNNING).readblocks(0, buf, 48)
    return bytes(buf).rstrip(b"\x00").decode()


def log_flash(chip):
    program, erase = chip._program, chip.erase

    def logged_program(address, data):
        print("program", address, hexlify(bytes(data)).decode())
        program(address, data)

    def logged_erase(block):
        print("erase", block)
        erase(block)

    chip._program, chip.erase = logged_program, logged_erase


def update(slot, package):
    with open("update.keys", "rb") as f:
        container = image.Image(f.read(), slot)
    fed = 0
    with open("/host" + package, "rb") as f:
        while container.offset != container.size:
            begin = container.offset // CHUNK * CHUNK
            f.seek(begin)
            data = f.read(CHUNK)
            fed += len(data)
            print("fed", fed)
            container.feed(begin, data)
    slot.finish()
    slot.activate()
