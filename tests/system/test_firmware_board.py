"""What firmware/board.py knows of its board: the facts of boards/, and those of the image."""

import json
from types import SimpleNamespace

import pytest

from tests.support.dual import prepare_cpython
from tools import boards
from tools.unixport import ROOT

prepare_cpython(ROOT / "firmware")
import board  # noqa: E402

PLATFORMS = {"esp32": "esp32", "rp2": "rp2", "unix": "linux"}


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Return a function that reads a file on a board with this platform, version and build."""

    def read(facts, platform="rp2", version=(1, 26, 0, ""), build="RPI_PICO_W"):
        monkeypatch.setattr(board.sys, "platform", platform)
        about = SimpleNamespace(name="micropython", version=version, _build=build)
        monkeypatch.setattr(board.sys, "implementation", about)
        path = tmp_path / "board.json"
        if facts is not None:
            path.write_text(facts if isinstance(facts, str) else json.dumps(facts))
        this = board.read(str(path))
        monkeypatch.undo()
        this.problem = this.problem and this.problem.replace(str(path), "board.json")
        return this

    return read


@pytest.mark.parametrize("name", boards.names())
def test_the_facts_of_each_board(found, name):
    known = boards.load(name)
    this = found(known.facts, PLATFORMS[known.port], build=known.build)
    assert this.problem is None and (this.name, this.port) == (known.build, known.port)
    for fact in boards.FACTS[1:]:
        assert getattr(this, fact) == getattr(known, fact)


def test_an_rp2_whose_sockets_keep_one_datagram(found):
    facts = boards.load("RPI_PICO_W").facts
    assert found(facts, version=(1, 25, 0, "")).download_window == 1
    assert found(facts).download_window == 3


@pytest.mark.parametrize(
    "facts, problem",
    [
        (None, "board.json is missing"),
        ("", "board.json cannot be read"),
        ("[]", "board.json cannot be read"),
        ("{}", "board.json cannot be read"),
        ('{"build": "RPI_PICO_W"}', "board.json cannot be read"),
        (
            boards.load("RPI_PICO2_W").facts,
            "board.json is that of RPI_PICO2_W, this is RPI_PICO_W",
        ),
    ],
)
def test_without_its_facts_a_board_is_careful(found, facts, problem):
    this = found(facts)
    assert this.problem == problem
    assert (this.led, this.watchdog_max_s) == (None, 8)
    assert (this.download_window, this.flash_stops_processor) == (1, True)


def test_without_the_modules_of_a_board(found):
    this = found(None)
    assert this.wifi_interface is None and this.wifi_awake is None and this.partition is None
