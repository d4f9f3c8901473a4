# Which updates a board takes, and what it tells while one comes.

import os

from hardware import Hardware
from partitions import Chip
from rows import rows
from trial import Trial
from updates import KEY


class Device:
    """What an Updater wants of a device at its start."""

    shared = {}

    def on_attributes(self, callback, names):
        self.names = names


def started():
    trial = Trial(os, os.getcwd().rstrip("/") + "/")
    trial.start(False, True)
    return trial


def kinds(board):
    """Return {prefix: class of the slot} of a board."""
    slots = board.load("app.updates").slots(started(), lambda text: None)
    return {prefix: type(slots[prefix]).__name__ for prefix in slots}


def test_an_application_is_all_that_a_pico_takes():
    with Hardware(partition=None) as board:
        assert kinds(board) == {"fw": "AppSlot"}


def test_an_esp32_takes_firmware_too():
    with Hardware(partition=Chip().boot()) as board:
        assert kinds(board) == {"fw": "PartitionSlot", "sw": "AppSlot"}


def test_an_esp32_with_one_partition_is_like_any_board():
    with Hardware(partition=Chip(labels=("factory",)).boot()) as board:
        assert kinds(board) == {"fw": "AppSlot"}


@rows(update=("1.27", "ota_0 1.27"), cable=("", "ota_0"))
def test_firmware_that_the_boot_loader_left_is_a_line(version, words):
    package = {"title": "micropython", "sequence": 0}
    old = dict(package, slot="ota_0" if version else "ota_9", id=1, version=version)
    new = dict(package, slot="ota_1", id=2, version="1.28")
    lines = []
    with Hardware(partition=Chip().boot()) as board:
        trial = started()
        trial.note("firmware", {"run": new, "back": old, "on_trial": True, "tries": 1})
        board.load("app.updates").slots(trial, lines.append)
    assert lines == ["update: firmware 1.28 in ota_1 is left for " + words]


def test_firmware_from_a_cable_is_no_line():
    lines = []
    with Hardware(partition=Chip().boot()) as board:
        board.load("app.updates").slots(started(), lines.append)
    assert lines == []


def updater(board, lines, reasons=None):
    module = board.load("app.updates")
    restart = None if reasons is None else reasons.append
    return module.updater(Device(), KEY, started(), lines.append, restart)


def test_progress_is_a_line_every_ten_percent():
    with Hardware() as board:
        lines = []
        it = updater(board, lines)
        for done in range(0, 5001, 50):
            it.progress(done, 5000)
        assert len(lines) == 10
        assert lines[0] == "update: 10 % of 5000 bytes"
        assert lines[-1] == "update: 100 % of 5000 bytes"


def test_the_next_package_is_told_from_its_begin():
    with Hardware() as board:
        lines = []
        it = updater(board, lines)
        for done in (500, 1000, 0, 100, 550):
            it.progress(done, 1000)
        assert [line.split()[1] for line in lines] == ["50", "100", "0", "10", "55"]


def test_an_update_restarts_the_board_with_its_reason():
    with Hardware() as board:
        reasons = []
        updater(board, [], reasons).reset()
        assert reasons == ["an update"]


@rows(True, False)
def test_where_the_flash_stops_the_processor_downloads_pause(stops):
    with Hardware(flash_stops_processor=stops) as board:
        it = updater(board, [])
        assert it.pause is stops and it.keys == KEY
