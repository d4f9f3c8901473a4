# An update that finds less room than the file system promised: needs a real, small one.

import os

import trial
from abupdate.image import Image
from abupdate.slot import AppSlot
from updates import KEY, empty_root, package, refusal


class OptimisticOS:
    rename, mkdir, rmdir, remove = os.rename, os.mkdir, os.rmdir, os.remove
    listdir, stat = os.listdir, os.stat

    @staticmethod
    def statvfs(path):
        return (4096, 4096, 1000, 1000, 1000, 0, 0, 0, 0, 255)


def boot(root):
    t = trial.Trial(OptimisticOS, root)
    return t, t.start()[len(root) :]


def feed(slot, data):
    image = Image(KEY, slot)
    while image.offset < len(data):
        start = image.offset // 1024 * 1024
        image.feed(start, data[start : start + 1024])
    slot.finish()


def test_a_full_file_system_is_a_refusal_and_the_board_still_boots():
    root = empty_root()
    t, _ = boot(root)
    small = package([("main.mpy", b"1" * 5000)], version="1.0")
    feed(AppSlot(t, "VBOARD"), small)
    with open(root + "filler", "wb") as f:
        for _ in range(os.statvfs(root)[3] - 12):
            f.write(bytes(4096))
    large = package([("a", bytes(40000)), ("b", bytes(40000))], version="1.1")
    t, _ = boot(root)
    text = refusal(feed, AppSlot(t, "VBOARD"), large)
    assert text.startswith("the flash says OSError(28"), text
    t, folder = boot(root)
    assert folder == "factory" and not t.unconfirmed()
    feed(AppSlot(t, "VBOARD"), small)  # which takes the room back
