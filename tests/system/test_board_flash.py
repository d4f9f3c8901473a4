"""tools.board.flash: what is written to a board and where, and what is refused before that."""

import os
import struct
from pathlib import Path
from unittest import mock

import pytest
from esptool import FatalError, cmds

from tools import boards
from tools.board import drive, flash, image, uf2
from tools.vboard import app_image

ESP = boards.load("ESP32_GENERIC")
OTA = boards.load("ESP32_GENERIC-OTA")
C3 = boards.load("ESP32_GENERIC_C3")
PICO = boards.load("RPI_PICO_W")
PICO2 = boards.load("RPI_PICO2_W")


def loader(chip_id=0):
    """Return an image that is no application, as a boot loader is none."""
    data = bytearray(app_image("boot", 4096, chip_id))
    data = data[:-32]  # its SHA-256, which the header tells of
    data[23] = 0
    data[32:36] = b"boot"
    checksum = 0xEF
    for byte in data[32 : 32 + struct.unpack_from("<I", data, 28)[0]]:
        checksum ^= byte
    data[-1] = checksum
    return bytes(data)


def merged(board=ESP, app=None, app_size=None):
    """Return boot loader, table and application as in the .bin of MicroPython."""
    app = app or app_image("1.0", chip_id=board.chip_id)
    size = app_size or board.filesystem.offset - 0x10000
    table = struct.pack("<2sBBII16sI", b"\xaaP", 1, 2, 0x9000, 0x6000, b"nvs", 0)
    table += struct.pack("<2sBBII16sI", b"\xaaP", 0, 0, 0x10000, size, b"factory", 0)
    data = loader(board.chip_id).ljust(0x8000 - board.flash_offset, b"\xff") + table
    return data.ljust(0x10000 - board.flash_offset, b"\xff") + app


def micropython(board=PICO, size=5000):
    return uf2.encode(uf2.split(bytes(size), uf2.FLASH, board.uf2_family))


def filesystem(board):
    return bytes(8) + b"littlefs".ljust(board.filesystem.size - 8, b"\1")


class Chip:
    """What esptool's functions are given in the place of a connected chip, with their journal."""

    def __init__(self, monkeypatch, name="ESP32", size="4MB", fails=None):
        self.CHIP_NAME = name
        self.calls = []
        self.written = []
        self.closed = False
        fakes = {
            "detect_chip": lambda port: self.call("detect", self),
            "run_stub": lambda esp: self.call("stub", self),
            "attach_flash": lambda esp: self.call("attach"),
            "detect_flash_size": lambda esp: self.call("size", size),
            "write_flash": self.write,
            "reset_chip": lambda esp: self.call("reset"),
        }
        for function, fake in fakes.items():  # called as esptool's own functions can be called
            like = mock.create_autospec(getattr(cmds, function), side_effect=fake)
            monkeypatch.setattr(cmds, function, like)
        self.fails = fails

    def call(self, name, value=None):
        self.calls.append(name)
        if name == self.fails:
            raise FatalError("Could not open it, the port is busy or doesn't exist.\n(Errno 16)")
        return value

    def write(self, esp, todo):
        self.call("write")
        self.written = todo

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


@pytest.fixture
def put(tmp_path):
    """A function that writes a file and returns its path."""

    def write(content, name="image.bin"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def place(tmp_path):
    """A folder as the drive of a Pico W."""
    folder = tmp_path / "drive"
    folder.mkdir()
    (folder / drive.INFO).write_text(
        "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
    )
    return folder


def run(board, file, fs=None, place=None, port="/dev/null"):
    flash.main(board=board.name, image=file, fs=fs, port=port, place=place)


def test_an_esp32_gets_micropython_and_the_file_system_in_one_go(monkeypatch, put):
    chip = Chip(monkeypatch)
    data, files = merged(), filesystem(ESP)
    run(ESP, put(data), put(files, "fs.bin"))
    assert chip.written == [(0x1000, data), (0x200000, files)]
    assert chip.calls == ["detect", "stub", "attach", "size", "write", "reset"]
    assert chip.closed


def test_the_image_of_a_c3_begins_at_0(monkeypatch, put):
    chip = Chip(monkeypatch, "ESP32-C3")
    run(C3, put(merged(C3)))
    assert chip.written == [(0, merged(C3))]


@pytest.mark.parametrize(
    ("chip", "size", "fails", "text"),
    [
        ("ESP32-C3", "4MB", None, "the chip there is an esp32c3, ESP32_GENERIC has an esp32;"),
        ("ESP32", "2MB", None, "the flash there has 2097152 bytes, ESP32_GENERIC has 4194304;"),
        ("ESP32", "4MB", "detect", "the port is busy or doesn't exist.; is another program at"),
    ],
)
def test_another_chip_is_not_written(monkeypatch, put, chip, size, fails, text):
    chip = Chip(monkeypatch, chip, size, fails)
    with pytest.raises(SystemExit, match=text) as refused:
        run(ESP, put(merged()))
    assert "\n" not in str(refused.value)
    assert "write" not in chip.calls


BROKEN = bytearray(merged())
BROKEN[0x10000 - 0x1000 + 5000] ^= 1


@pytest.mark.parametrize(
    ("board", "content", "text"),
    [
        (ESP, b"", "no ESP32 image"),
        (ESP, micropython(), "no ESP32 image"),
        (ESP, merged(C3), "for esp32c3, but ESP32_GENERIC has an esp32"),
        (C3, merged(), "for esp32, but ESP32_GENERIC_C3 has an esp32c3"),
        (ESP, app_image("1.0"), "an application alone"),
        (ESP, merged()[:2000], "the boot loader is cut off"),
        (ESP, merged()[:0x7000], "no partition table at 0x8000"),
        (ESP, merged()[:0xF000], "application in factory is cut off"),
        (ESP, merged()[:0x12000], "application in factory is cut off"),
        (ESP, merged()[:-5], "application in factory is cut off"),
        (ESP, bytes(BROKEN), "application in factory is cut off or damaged"),
        (ESP, merged(OTA), "file system is at 0x310000, that of ESP32_GENERIC at 0x200000"),
        (ESP, merged(app_size=0x800000), "need 8454144 bytes of flash, ESP32_GENERIC has 4194304"),
    ],
)
def test_an_esp32_image_that_will_not_do(monkeypatch, put, board, content, text):
    chip = Chip(monkeypatch, board.mcu.upper())
    file = put(content)
    with pytest.raises(SystemExit, match=text) as refused:
        run(board, file)
    assert str(refused.value).startswith(f"flash: {file}: ")
    assert not chip.calls


def test_a_file_system_of_another_board_is_refused(monkeypatch, put):
    chip = Chip(monkeypatch)
    with pytest.raises(SystemExit, match="no file system of ESP32_GENERIC, which has 2097152"):
        run(ESP, put(merged()), put(filesystem(PICO), "fs.bin"))
    assert not chip.calls


def test_a_pico_gets_one_file_with_both(put, place):
    files = image.encode(PICO, filesystem(PICO))[1]
    run(PICO, put(micropython()), put(files, "fs.uf2"), place)
    written = uf2.decode((place / "firmware.uf2").read_bytes())
    assert {block.family for block in written} == {0xE48BFF56}
    assert [block.address for block in written[:20]] == [0x10000000 + 256 * n for n in range(20)]
    assert written[20].address == 0x1012C000
    assert b"".join(block.data for block in written[20:]) == filesystem(PICO)


def test_the_special_block_of_a_pico_2_stays_as_it_is():
    special = uf2.Block(0x10FFFF00, bytes(256), 0xE48BFF57, 0, 2)
    parts = [special, *uf2.split(bytes(600), uf2.FLASH, PICO2.uf2_family)]
    file = uf2.encode([*parts, *uf2.split(b"fs", 0x10180000, PICO2.uf2_family)])
    found = uf2.decode(file)
    uf2.check(found, PICO2.uf2_family, PICO2.flash_size)
    assert found[0] == special
    assert [(block.number, block.count) for block in found[1:]] == [(n, 4) for n in range(4)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "no UF2 file"),
        (merged(), "no UF2 file"),
        (micropython()[:-100], "cut off: 10140 bytes are no whole blocks"),
        (micropython()[:-512], "cut off: 19 of 20 blocks"),
        (
            micropython()[:600]
            + b"xx"
            + micropython()[602:1020]
            + bytes(4)
            + micropython()[1024:],
            "damaged at byte 512",
        ),
        (micropython(PICO2), "for another chip: family 0xe48bff59, the board has 0xe48bff56"),
        (uf2.encode(uf2.split(b"x", 0x10200000, 0xE48BFF56)), "outside of the board's 2097152"),
    ],
)
def test_a_uf2_that_will_not_do(put, place, content, text):
    file = put(content)
    with pytest.raises(SystemExit, match=text) as refused:
        run(PICO, file, place=place)
    assert str(refused.value).startswith(f"flash: {file}: ")
    assert not (place / "firmware.uf2").exists()


def test_a_file_system_is_not_taken_for_micropython(put, place):
    files = put(image.encode(PICO, filesystem(PICO))[1], "fs.uf2")
    with pytest.raises(SystemExit, match="no MicroPython: it does not begin where flash does"):
        run(PICO, files, place=place)
    assert not (place / "firmware.uf2").exists()


def test_micropython_that_reaches_into_the_file_system_is_refused(put, place):
    files = put(image.encode(PICO, filesystem(PICO))[1], "fs.uf2")
    with pytest.raises(SystemExit, match="reaches into the file system of RPI_PICO_W"):
        run(PICO, put(micropython(size=0x12C001)), files, place)


def test_the_drive_of_another_chip_is_refused(put, place):
    with pytest.raises(SystemExit, match=r"the board there is RPI-RP2, not RP2350 \(rp2350\)"):
        run(PICO2, put(micropython(PICO2)), place=place)


def test_a_folder_that_is_no_drive_is_refused(put, tmp_path):
    with pytest.raises(
        SystemExit, match="no drive of a board, it has no INFO_UF2.TXT; hold BOOTSEL"
    ):
        run(PICO, put(micropython()), place=tmp_path)


def test_the_drive_is_waited_for(monkeypatch, place):
    said = []
    monkeypatch.setattr(drive, "_MOUNTS", (str(place.parent / "later"),))
    with pytest.raises(ValueError, match="no drive of a board in 0 s: hold BOOTSEL"):
        drive.wait("rp2040", said.append, 0)
    assert said == ["waiting for the drive of the board: hold BOOTSEL while you plug the board in"]

    def plug_in(text):
        place.rename(place.parent / "later")

    assert drive.wait("rp2040", plug_in, 10) == place.parent / "later"


def fails_at(monkeypatch, place, chunk, gone):
    """Let the drive fail at a chunk, as one that is there no more or still is."""
    chunks = []

    def fsync(file):
        chunks.append(file)
        if len(chunks) == chunk:
            if gone:
                (place / drive.INFO).unlink()
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_board_that_restarts_with_the_last_bytes_has_them_all(monkeypatch, put, place):
    fails_at(monkeypatch, place, 2, gone=True)
    run(PICO, put(micropython(size=50_000)), place=place)
    assert (place / "firmware.uf2").read_bytes() == micropython(size=50_000)


@pytest.mark.parametrize(("chunk", "gone"), [(1, True), (2, False)])
def test_a_copy_that_fails_before_is_told(monkeypatch, put, place, chunk, gone):
    fails_at(monkeypatch, place, chunk, gone)
    with pytest.raises(SystemExit, match="Input/output error; the board has not all of it: hold"):
        run(PICO, put(micropython(size=50_000)), place=place)


def test_a_file_that_is_not_there_is_named(place):
    with pytest.raises(SystemExit, match="^flash: nothing.uf2: No such file or directory$"):
        run(PICO, Path("nothing.uf2"), place=place)


def test_an_image_that_was_left_out_is_asked_for(place):
    with pytest.raises(SystemExit, match="^flash: IMAGE= is missing: give the file of RPI_PI"):
        run(PICO, Path(""), place=place)
