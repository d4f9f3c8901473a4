"""What is put on a board leaves room for updates, or its owner is told."""

import pytest

from tools import boards
from tools.board import room, stage
from tools.package import application

BOARDS = [boards.load(name) for name in boards.names()]
PICO = boards.load("RPI_PICO_W")
BOTH = {"payload": "protobuf", "report_every": 6}


def lacking(board, settings):
    extras = application.wanted(settings)
    left_out = application.needless([board.build], extras)
    factory = application.collect(application.REPLACEABLE, left_out)
    return room.lacking(factory, board, settings, extras)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
@pytest.mark.parametrize("settings", [{}, {"payload": "protobuf"}, {"report_every": 6}], ids=str)
def test_each_board_has_room_for_what_settings_want(board, settings):
    assert lacking(board, settings) <= 0


def test_both_at_once_are_told_on_a_pico(tmp_path, capsys):
    stage.stage(tmp_path, PICO, BOTH)
    lacks = lacking(PICO, BOTH)
    assert lacks > 0
    assert capsys.readouterr().out == (
        f"updates will find no room beside low-power and protobuf: RPI_PICO_W lacks {lacks} "
        "blocks of flash; a smaller journal needs less\n"
    )


def test_without_settings_it_gets_all_and_that_is_told(tmp_path, capsys):
    stage.stage(tmp_path, PICO)
    assert (tmp_path / "factory/app/schemas.mpy").exists()
    assert "settings may want less" in capsys.readouterr().out


@pytest.mark.parametrize(
    "journal, fits", [(0, True), ("16", True), (200, False), ("what", True), (None, True)]
)
def test_the_journal_counts(journal, fits):
    assert (lacking(PICO, {"journal": journal}) <= 0) == fits


def test_a_sleepers_journal_counts_where_a_board_has_none():
    board = boards.load("ESP32_GENERIC-OTA")
    awake = {"journal": 0, "report_every": 6}
    assert lacking(board, {"report_every": 6}) - lacking(board, awake) == room.FOLDER + 16
