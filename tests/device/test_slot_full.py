# An update that finds less room than the file system promised: needs a real, small one.

import os

from abupdate.app_slot import AppSlot
from abupdate.image import Image
from trial import Trial
from updates import KEY, empty_root, package, refusal


class OptimisticOS:
    rename, mkdir, rmdir, remove = os.rename, os.mkdir, os.rmdir, os.remove
    listdir, stat = os.listdir, os.stat

    @staticmethod
    def statvfs(path):
        return (4096, 4096, 1000, 1000, 1000, 0, 0, 0, 0, 255)


def boot(root):
    trial = Trial(OptimisticOS, root)
    return trial, trial.start()[len(root) :]


def feed(slot, data):
    image = Image(KEY, slot)
    while image.offset < len(data):
        start = image.offset // 1024 * 1024
        image.feed(start, data[start : start + 1024])
    slot.finish()


def test_a_full_file_system_is_a_refusal_and_the_board_still_boots():
    root = empty_root()
    trial, _ = boot(root)
    small = package([("main.mpy", b"1" * 5000)], version="1.0")
    feed(AppSlot(trial, "VBOARD"), small)
    with open(root + "filler", "wb") as f:
        for _ in range(os.statvfs(root)[3] - 12):
            f.write(bytes(4096))
    large = package([("a", bytes(40000)), ("b", bytes(40000))], version="1.1")
    trial, _ = boot(root)
    text = refusal(feed, AppSlot(trial, "VBOARD"), large)
    assert text.startswith("the flash says OSError(28"), text
    trial, folder = boot(root)
    assert folder == "factory" and not trial.unconfirmed()
    feed(AppSlot(trial, "VBOARD"), small)  # which takes the room back
