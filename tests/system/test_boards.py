"""The files of boards/, and what is said of wrong ones."""

import json

import pytest
from esptool.targets import CHIP_DEFS

from tools import boards

NAMES = boards.names()


def test_the_boards_are_there():
    assert NAMES == [
        "ESP32_GENERIC",
        "ESP32_GENERIC-OTA",
        "ESP32_GENERIC_C3",
        "ESP32_GENERIC_S3",
        "RPI_PICO2_W",
        "RPI_PICO_W",
        "UNIX",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_board_is_right(name):
    board = boards.load(name)
    assert board.name == name
    assert boards.by_build(board.build) is board
    assert board.filesystem.offset % board.filesystem.block_size == 0
    if board.port == "esp32":  # esptool knows the chips
        chip = CHIP_DEFS[board.mcu]
        assert (board.chip_id, board.flash_offset) == (
            chip.IMAGE_CHIP_ID,
            chip.BOOTLOADER_FLASH_OFFSET,
        )


def test_the_file_system_of_a_pico_w():
    filesystem = boards.load("RPI_PICO_W").filesystem
    assert filesystem.size == 848 * 1024
    assert filesystem.offset + filesystem.size == 2 * 1024 * 1024


@pytest.fixture
def file(tmp_path):
    """Return a function that writes RPI_PICO_W's file with a change and reads it."""
    data = json.loads((boards.FOLDER / "RPI_PICO_W" / "board.json").read_text())

    def read(change):
        change(data)
        path = tmp_path / "board.json"
        path.write_text(json.dumps(data))
        return boards.read(path)

    return read


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda data: data.update(ledd=3), "'ledd' was unexpected"),
        (lambda data: data.pop("led"), "'led' is a required property"),
        (lambda data: data.pop("uf2_family"), "'uf2_family' is a required property"),
        (lambda data: data.update(watchdog_max_s="8"), "watchdog_max_s: '8' is not of type"),
        (lambda data: data.update(port="esp8266"), "port: 'esp8266' is not one of"),
        (
            lambda data: data["filesystem"].update(blocks=3),
            "filesystem: .*'blocks' was unexpected",
        ),
        (lambda data: data["filesystem"].update(offset=4096), "filesystem.offset: 4096 is not"),
        (lambda data: data["filesystem"].update(block_count=999), "ends .* beyond flash_size"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(file, change, text):
    with pytest.raises(ValueError, match=f"board.json: .*{text}"):
        file(change)


def test_a_file_that_is_no_json(tmp_path):
    (tmp_path / "board.json").write_text('{"port": ')
    with pytest.raises(ValueError, match="board.json: no JSON: .*line 1"):
        boards.read(tmp_path / "board.json")


@pytest.mark.parametrize(
    "name, text",
    [("RPI_PICOW", "no board RPI_PICOW; there are RPI_PICO_W"), ("", "no board .*UNIX")],
)
def test_an_unknown_board_is_told_the_nearest(name, text):
    with pytest.raises(ValueError, match=text):
        boards.load(name)
