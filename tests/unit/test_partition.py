# Firmware in the partition that does not run, under the boot loader's rules.

import os

from abupdate.image import Image
from abupdate.partition_slot import PartitionSlot
from boots import FullOS
from partitions import ABORTED, BLOCK, VALID, Chip
from trial import Trial
from updates import KEY, empty_root, ends_trial, package, read, refusal

BOARD = "ESP32_GENERIC-OTA"
FIRMWARE = b"\xe9" + bytes(range(251)) * 52  # 13053 bytes: three blocks and a part


def firmware(content=FIRMWARE, **changes):
    changes.setdefault("kind", "firmware")
    changes.setdefault("boards", [BOARD])
    return package([("micropython.bin", content)], **changes)


PACKAGE = firmware()


class Board:
    def __init__(self, **chip):
        self.root = empty_root()
        self.chip = Chip(**chip)
        self.boot()

    def boot(self):
        partition = self.chip.boot()
        self.trial = Trial(os, self.root)
        self.trial.start()
        self.slot = PartitionSlot(self.trial, BOARD, partition)
        return self.chip.running

    def download(self, data, until=None):
        image = Image(KEY, self.slot)
        fed = 0
        while image.offset < (until or len(data)):
            start = image.offset // 1024 * 1024
            image.feed(start, data[start : start + 1024])
            fed += len(data[start : start + 1024])
        return fed

    def install(self, data):
        fed = self.download(data)
        self.slot.finish()
        self.slot.activate()
        return fed


def test_an_update_is_written_started_and_confirmed():
    board = Board()
    board.install(PACKAGE)
    padded = FIRMWARE + b"\xff" * (-len(FIRMWARE) % BLOCK)
    assert bytes(board.chip.flash["ota_1"][: len(padded)]) == padded
    assert board.chip.writes == 4
    assert board.boot() == "ota_1"
    assert board.slot.current() == ("thermo", "1.1") and board.trial.unconfirmed()
    assert ends_trial(board.slot)
    assert board.chip.states["ota_1"] == VALID
    for _ in range(3):
        assert board.boot() == "ota_1" and not board.trial.unconfirmed()
    assert not ends_trial(board.slot)
    board.install(firmware(version="1.2"))
    assert board.boot() == "ota_0" and ends_trial(board.slot)
    assert board.slot.current() == ("thermo", "1.2")


def test_a_power_cut_on_trial_is_tried_again_without_a_download():
    board = Board()
    board.install(PACKAGE)
    for _ in range(3):
        assert board.boot() == "ota_1"
        assert refusal(board.download, PACKAGE) == "the last update is still on trial"
        assert board.boot() == "ota_0"  # after the power cut
        assert board.chip.states["ota_1"] == ABORTED and not board.trial.unconfirmed()
        writes = board.chip.writes
        if refusal(board.download, PACKAGE):
            break
        assert board.download(PACKAGE) <= 1024 and board.chip.writes == writes
        board.slot.finish()
        board.slot.activate()
    said = refusal(board.download, PACKAGE)
    assert said == "it failed here before: it never reached the server"
    assert board.boot() == "ota_0" and refusal(board.download, PACKAGE) == said
    board.install(firmware(version="1.2"))
    assert board.boot() == "ota_1" and ends_trial(board.slot)


def test_the_second_try_may_be_confirmed():
    board = Board()
    board.install(PACKAGE)
    board.boot()
    board.boot()
    board.install(PACKAGE)
    assert board.boot() == "ota_1" and ends_trial(board.slot)
    assert board.boot() == "ota_1" and not board.trial.unconfirmed()


def test_the_old_firmware_reaching_the_server_does_not_grant_more_tries():
    board = Board()
    for _ in range(3):
        board.install(PACKAGE)
        board.boot()
        board.boot()
        assert not ends_trial(board.slot)
    assert refusal(board.download, PACKAGE).startswith("it failed here before")


def test_why_it_crashed_is_told():
    board = Board()
    for _ in range(3):
        board.install(PACKAGE)
        board.boot()
        board.trial.crashed("MemoryError: 512")
        board.boot()
    assert refusal(board.download, PACKAGE) == "it failed here before: MemoryError: 512"


def test_a_power_cut_between_the_state_and_the_boot_loader():
    board = Board()
    board.download(PACKAGE)
    board.slot.finish()
    chosen = board.chip.chosen
    board.slot.activate()
    board.chip.chosen = chosen  # set_boot did not take place
    assert board.boot() == "ota_0" and not board.trial.unconfirmed()
    board.install(PACKAGE)
    assert board.boot() == "ota_1" and ends_trial(board.slot)


def test_progress_survives_at_the_last_whole_block():
    length = len(PACKAGE) - len(FIRMWARE)
    for until in range(length + 100, len(PACKAGE), 1500):
        board = Board()
        board.download(PACKAGE, until)
        board.boot()
        fed = board.install(PACKAGE)
        assert fed <= len(PACKAGE) - until + BLOCK + 2 * 1024 + 1024, until
        assert board.boot() == "ota_1"


def test_a_changed_package_starts_anew():
    board = Board()
    board.download(PACKAGE, 9000)
    board.boot()
    other = firmware(b"\xe9" + bytes(reversed(FIRMWARE)), version="1.2")
    assert board.install(other) >= len(other) - 1024
    assert board.boot() == "ota_1" and board.slot.current() == ("thermo", "1.2")


def test_refusals_before_the_first_erase():
    board = Board(size=3 * BLOCK)
    assert refusal(board.download, PACKAGE) == "larger than the partition"
    assert refusal(board.download, firmware(kind="app")) == "this slot takes firmware, not app"
    assert refusal(board.download, firmware(boards=["ESP32_GENERIC"])).startswith("this board is")
    assert board.chip.writes == 0 and read(board.root, "trial.state")
    assert os.listdir(board.root) == ["trial.state"]


def test_an_image_of_exactly_the_partition():
    board = Board(size=4 * BLOCK)
    content = (FIRMWARE * 2)[: 4 * BLOCK]
    board.install(firmware(content))
    assert board.boot() == "ota_1" and bytes(board.chip.flash["ota_1"]) == content


def test_a_board_with_one_app_partition_says_so_at_once():
    try:
        Board(labels=("factory",))
    except OSError as e:
        assert e.args[0] == 2
    else:
        raise AssertionError("no OSError")


def test_what_was_written_is_read_back():
    board = Board()
    board.download(PACKAGE)
    board.chip.flash["ota_1"][5000] ^= 1
    assert refusal(board.slot.finish) == "the content does not match"
    assert board.boot() == "ota_0"
    board.install(PACKAGE)  # written anew
    assert board.boot() == "ota_1"


def test_the_whole_container_is_seen_in_order():
    board = Board()
    board.download(PACKAGE, 9000)
    board.boot()
    board.download(PACKAGE)
    seen = []
    board.slot.finish(lambda buf: seen.append(bytes(buf)))
    assert b"".join(seen) == PACKAGE


def test_the_boot_loader_does_not_take_it():
    board = Board()
    content = b"\x00" + FIRMWARE[1:]
    board.download(firmware(content))
    board.slot.finish()
    assert refusal(board.slot.activate) == "the boot loader does not take it"
    assert not board.trial.unconfirmed() and board.slot.current() == ("", "")
    assert board.boot() == "ota_0" and not board.trial.unconfirmed()
    assert refusal(board.download, firmware(content)).startswith("it failed here before: the boot")


def test_firmware_flashed_by_cable_is_taken_note_of():
    board = Board()
    assert not ends_trial(board.slot)
    board.install(PACKAGE)
    board.boot()
    board.slot.confirm()
    board.chip.chosen = "ota_0"
    assert board.boot() == "ota_0" and board.slot.current() == ("", "")
    board.install(firmware(version="1.3"))
    assert board.boot() == "ota_1" and board.slot.current() == ("thermo", "1.3")


def test_what_was_given_up_is_seen_in_a_full_flash_too():
    board = Board()
    for _ in range(3):
        board.install(PACKAGE)
        board.boot()
        partition = board.chip.boot()  # after the power cut
        board.trial = Trial(FullOS(), board.root)
        board.trial.start()
        board.slot = PartitionSlot(board.trial, BOARD, partition)
        assert board.chip.running == "ota_0" and not board.trial.unconfirmed()
        assert not ends_trial(board.slot)
        board.boot()
    assert refusal(board.download, PACKAGE).startswith("it failed here before")
