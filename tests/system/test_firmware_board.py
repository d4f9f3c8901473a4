"""What firmware/board.py finds out about the board that it runs on."""

import sys
from types import SimpleNamespace

import pytest

from tests.support.dual import prepare_cpython
from tools.unixport import ROOT

prepare_cpython(ROOT / "firmware")
import board  # noqa: E402


def found(monkeypatch, port, version, **implementation):
    monkeypatch.setattr(board.sys, "platform", port)
    about = SimpleNamespace(name="micropython", version=version, **implementation)
    monkeypatch.setattr(board.sys, "implementation", about)
    this = board.Board()
    monkeypatch.undo()
    return this


@pytest.mark.parametrize(
    "port, version, window, stops, sensor",
    [
        ("rp2", (1, 25, 0, ""), 1, True, "rp2"),
        ("rp2", (1, 26, 0, ""), 3, True, "rp2"),
        ("esp32", (1, 25, 0, ""), 5, False, "esp32"),
        ("linux", (1, 25, 0, ""), 3, False, "linux"),
        ("samd", (1, 26, 0, ""), 3, False, None),
    ],
)
def test_what_depends_on_the_port(monkeypatch, port, version, window, stops, sensor):
    this = found(monkeypatch, port, version, _build="BOARD")
    assert (this.name, this.port, this.sensor) == ("BOARD", port, sensor)
    assert this.download_window == window
    assert this.flash_stops_processor is stops


def test_an_image_without_a_board_name(monkeypatch):
    assert found(monkeypatch, "linux", (1, 25, 0, "")).name == "linux"


def test_without_the_modules_of_a_board():
    this = board.board
    assert this.port == sys.platform
    assert this.wifi_interface is None and this.wifi_awake is None and this.partition is None
