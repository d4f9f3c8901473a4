# The folders of an application, on a real file system.

import os

from abupdate.app_slot import AppSlot
from abupdate.image import Image
from trial import Trial
from updates import KEY, empty_root, ends_trial, names, package, read, refusal, write

BOARD = "VBOARD"
OLD = [("app/__init__.mpy", b"1.0" * 100), ("app/dropped.mpy", b"gone in 1.1")]
NEW = [
    ("app/__init__.mpy", b"1.1" * 300),
    ("app/empty", b""),
    ("app/deep/er/data", bytes(range(256)) * 50),
    ("coap/block.mpy", b"new library"),
    ("z", b""),
]
PACKAGE = package(NEW)
LENGTH = int.from_bytes(PACKAGE[4:6], "big")


class Board:
    """A board with its file system; os may be a stand-in."""

    def __init__(self, os=os):
        self.root = empty_root()
        self.os = os
        self.boot()

    def boot(self):
        self.trial = Trial(self.os, self.root)
        self.folder = self.trial.start()[len(self.root) :]
        self.slot = AppSlot(self.trial, BOARD)
        return self.folder

    def download(self, data, until=None):
        """Feed pieces of 512 bytes up to an offset; return how many bytes were fed."""
        image = Image(KEY, self.slot)
        fed = 0
        while image.offset < (until or len(data)):
            start = image.offset // 512 * 512
            image.feed(start, data[start : start + 512])
            fed += len(data[start : start + 512])
        return fed

    def update(self, data):
        """Install and start a package; return the folder that runs then."""
        self.download(data)
        self.slot.finish()
        self.slot.activate()
        return self.boot()

    def refusal(self, data):
        """Return why a package is refused; nothing in flash may have changed then."""
        before = {name: read(self.root, name) for name in names(self.root, "")}
        text = refusal(self.download, data)
        assert {name: read(self.root, name) for name in names(self.root, "")} == before
        return text


class OtherOS:
    """The module os but for some functions."""

    def __init__(self, **functions):
        for name in functions:
            setattr(self, name, functions[name])

    def __getattr__(self, name):
        return getattr(os, name)


def content(board, slot):
    return [(n[len(slot) + 1 :], read(board.root, n)) for n in names(board.root, slot)]


def test_a_package_becomes_a_folder():
    board = Board()
    assert board.slot.current() == ("", "")
    assert board.update(PACKAGE) == "slot_a"
    assert content(board, "slot_a") == sorted(NEW + [("PACKAGE", PACKAGE[:LENGTH])])
    assert board.slot.current() == ("thermo", "1.1")
    assert ends_trial(board.slot) and not ends_trial(board.slot)


def test_folders_alternate_and_are_emptied():
    board = Board()
    for version, slot in (("1", "slot_a"), ("2", "slot_b"), ("3", "slot_a"), ("4", "slot_b")):
        files = OLD if version in "12" else NEW
        assert board.update(package(files, version=version)) == slot
        board.slot.confirm()
        assert [name for name, _ in content(board, slot)][1:] == sorted(n for n, _ in files)


def test_after_a_rollback_the_failed_folder_is_used_again():
    board = Board()
    board.update(package(OLD, version="1.0"))
    board.slot.confirm()
    board.update(PACKAGE)
    for _ in range(3):
        folder = board.boot()
    assert folder == "slot_a"
    assert board.refusal(PACKAGE) == "it failed here before: it hung"
    assert board.update(package(NEW, version="1.2")) == "slot_b"
    board.slot.confirm()
    assert board.boot() == "slot_b"


def test_refusals_before_anything_changes():
    board = Board()
    board.update(package(OLD, version="1.0", sequence=5))
    board.slot.confirm()
    board.download(package(OLD, version="x", sequence=5), 600)  # something begun
    board.slot.abort()
    said = board.refusal(package(NEW, sequence=5, kind="firmware"))
    assert said == "this slot takes app, not firmware"
    said = board.refusal(package(NEW, sequence=5, boards=["RPI_PICO_W", "VBOARD2"]))
    assert said == "this board is VBOARD, the package is for RPI_PICO_W or VBOARD2"
    assert board.refusal(package(NEW, sequence=4)) == "sequence 4 is older than 5"
    board.update(package(NEW, sequence=5))
    assert board.refusal(package(NEW, sequence=6)) == "the last update is still on trial"


def test_no_space_is_seen_before_anything_changes():
    blocks = [10]

    def statvfs(path):
        return (4096, 4096, 200, blocks[0], blocks[0], 0, 0, 0, 0, 255)

    board = Board(OtherOS(statvfs=statvfs))
    files = [("a", bytes(4096)), ("b", b"x")]  # 2 blocks, 1 block, 8 to spare
    assert board.refusal(package(files)) == "needs 11 blocks of flash, 10 are free"
    blocks[0] = 11
    board.download(package(files, version="1.0"))
    board.slot.abort()
    # What is in the folder will be free: two files and the header, 4 blocks, and its own 2.
    blocks[0] = 4
    assert board.refusal(package(files)) == "needs 11 blocks of flash, 10 are free"
    blocks[0] = 5
    board.download(package(files))


def test_damage_in_flash_is_found_by_reading_back():
    for name, damage in (("app/deep/er/data", b"x" * 12800), ("coap/block.mpy", b""), ("z", b"1")):
        board = Board()
        board.download(PACKAGE)
        board.slot.abort()
        write(board.root, "slot_a/" + name, damage)
        assert refusal(board.slot.finish) == "the content does not match"
        board.boot()
        assert board.folder == "factory"
        assert board.update(PACKAGE) == "slot_a"  # what was wrong is written anew


def test_wrong_bytes_are_never_activated():
    wrong = bytearray(PACKAGE)
    wrong[-1] ^= 1
    board = Board()
    board.download(bytes(wrong))
    assert refusal(board.slot.finish) == "the content does not match"


def test_the_whole_container_is_seen_in_order():
    board = Board()
    board.download(PACKAGE, len(PACKAGE) // 2)
    board.slot.abort()
    board.boot()
    board.download(PACKAGE)
    seen = []
    board.slot.finish(lambda buf: seen.append(bytes(buf)))
    assert b"".join(seen) == PACKAGE


def test_a_download_that_was_aborted_goes_on_at_the_byte():
    for until in range(LENGTH + 1, len(PACKAGE), 1111):
        board = Board()
        board.download(PACKAGE, until)
        done = sum(os.stat(board.root + n)[6] for n in names(board.root, "slot_a")) - LENGTH
        board.slot.abort()
        image = Image(KEY, board.slot)
        image.feed(0, PACKAGE[:400])
        assert image.offset >= max(until, LENGTH + done)


def test_begun_again_without_an_abort():
    board = Board()
    for until in (LENGTH + 500, LENGTH + 6000, len(PACKAGE)):
        board.download(PACKAGE, until)
    board.slot.finish()
    assert content(board, "slot_a") == sorted(NEW + [("PACKAGE", PACKAGE[:LENGTH])])


def test_a_changed_package_starts_anew():
    board = Board()
    board.download(package(OLD, version="1.0"))
    board.slot.abort()
    board.boot()
    assert board.update(PACKAGE) == "slot_a"
    assert content(board, "slot_a") == sorted(NEW + [("PACKAGE", PACKAGE[:LENGTH])])


def test_files_that_got_too_long_or_wrong_are_written_anew():
    for name, damage in (("app/__init__.mpy", b"1.1" * 301), ("app/empty", b"x"), ("z", b"no")):
        board = Board()
        board.download(PACKAGE)
        board.slot.abort()
        write(board.root, "slot_a/" + name, damage)
        board.boot()
        assert board.update(PACKAGE) == "slot_a"
        assert content(board, "slot_a") == sorted(NEW + [("PACKAGE", PACKAGE[:LENGTH])])


def test_a_name_that_is_both_file_and_folder():
    board = Board()
    data = package([("a", b"1"), ("a/b", b"2")])
    assert refusal(board.download, data).startswith("the flash says")


def test_a_header_is_compared_whole_or_from_its_beginning():
    board = Board()
    slot = board.slot
    assert not slot.holds(b"") and not slot.holds(PACKAGE[:LENGTH])  # there is none
    board.download(PACKAGE)
    header = PACKAGE[:LENGTH]
    assert slot.holds(header) and slot.holds(header[:400], False)
    assert not slot.holds(header[:-1]) and not slot.holds(header + b"x")
    for at in (0, 255, 256, LENGTH - 1):
        other = bytearray(header)
        other[at] ^= 1
        assert not slot.holds(other)
        assert slot.holds(other[:at], False)
