# Runs on the virtual board, once per boot: what main.py, the application and its updater do, as
# far as flash is concerned. Starts what is to run; while that is not the new version, goes on with
# the update, else confirms it. Says:
#   runs VERSION floor N     the application, all of it imported; the floor of the sequence
#   mixed ...                it is not of one version
#   fed N                    bytes of the package taken in this boot
#   done                     the new version is confirmed
#   program ADDRESS HEX, erase BLOCK     with a log: before each flash operation

import os
import sys

from common import install, log_flash
from trial import Trial

BOARD = "VBOARD"


def run(chip, package, version, log=False, fault=""):
    if log:
        log_flash(chip)
    if fault == "remove and rename":
        Trial.save = remove_and_rename
    trial = Trial(os)
    sys.path.insert(0, trial.start())
    if imported(trial, version) == version:
        trial.confirm("app")
        print("done")
    else:
        update(trial, package, fault)


def imported(trial, new):
    """Import the whole application; return its version."""
    import app
    import coap
    import thingsboard  # noqa: F401

    try:
        import app.dropped

        dropped = app.dropped.VERSION
    except ImportError:
        dropped = "none"
    if coap.RELEASE != app.VERSION or dropped != ("none" if app.VERSION == new else app.VERSION):
        print("mixed", app.VERSION, coap.RELEASE, dropped)
    print("runs", app.VERSION, "floor", trial.state["app"]["floor"])
    return app.VERSION


def update(trial, package, fault):
    from abupdate.app_slot import AppSlot

    if fault == "folder not emptied":
        trial.os = KeepingOS()
    target = AppSlot(trial, BOARD)

    def after_chunk(container):
        if fault == "state before files" and container.size and not trial.unconfirmed():
            target.activate()

    install(target, package, after_chunk)


# The faults that the power test must find


def remove_and_rename(self, name, data):
    with open(self.root + name + ".tmp", "wb") as f:
        f.write(data)
    try:
        os.remove(self.root + name)
    except OSError:
        pass
    os.rename(self.root + name + ".tmp", self.root + name)


class KeepingOS:
    """Removes nothing."""

    def __getattr__(self, name):
        return getattr(os, name)

    def remove(self, path):
        pass

    rmdir = remove

    def mkdir(self, path):
        try:
            os.mkdir(path)
        except OSError:
            pass
