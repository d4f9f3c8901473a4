"""For the tests of trials: boards as folders of files, and what may happen to them."""

import os
from binascii import crc32

from trial import Trial
from updates import empty_root, header, manifest, read, write

FACTORY = "factory"


def install(root, slot, version="1.1", sequence=2, damaged=False):
    """Put a whole package into a folder, as a slot does; return its manifest."""
    content = b"code of " + version.encode()
    m = manifest([("main.mpy", content)], version=version, sequence=sequence)
    if slot not in os.listdir(root):
        os.mkdir(root + slot)
    write(root, slot + "/PACKAGE", header(m))
    write(root, slot + "/main.mpy", b"bad" if damaged else content)
    m["header"] = read(root, slot + "/PACKAGE")
    m["id"] = crc32(m["header"])
    return m


def nothing_failed(trial, kind):
    return trial.state[kind]["failed"] == 0 and trial.state[kind]["reason"] == ""


def why_it_failed(trial, kind, m):
    """Return why a package is not taken again, None if it may come again."""
    record = trial.state[kind]
    return record["reason"] if record["failed"] == m["id"] else None


def runs(trial, kind):
    """Return (title, version) of what runs."""
    run = trial.state[kind]["run"]
    return run["title"], run["version"]


def boot(root):
    """Return (Trial, name of the folder that runs)."""
    trial = Trial(os, root)
    folder = trial.start()
    assert folder.startswith(root)
    return trial, folder[len(root) :]


def new_board():
    root = empty_root()
    boot(root)
    return root


def ends_trial(trial, kind):
    """Confirm what runs; return whether that ended a trial."""
    before = trial.state[kind]["on_trial"]
    trial.confirm(kind)
    return before and not trial.state[kind]["on_trial"]


def confirmed(root, slot, **package):
    """Install, activate, start and confirm a package."""
    m = install(root, slot, **package)
    boot(root)[0].activate("app", slot, m)
    trial, folder = boot(root)
    assert folder == slot and ends_trial(trial, "app")
    return m


class FullOS:
    """The module os of a file system that takes nothing new."""

    def rename(self, old, new):
        raise OSError(28)
