"""A board that sleeps loses no record and sends none twice, whatever happens in a few hours of it.

`python -m tools.soak sleep` has whole weeks of the same.
"""

import pytest

from tests.power.powercut import EVERY_CUT
from tools.soak.week import week

FEW = {"cut asleep": 1, "cut in flash": 1, "cut in a report": 1, "command": 1}
MORE = FEW | {"cut in flash": 4, "interval": 1, "update": 1}


@pytest.mark.parametrize("board", ["ESP32_GENERIC", "RPI_PICO_W"])
def test_the_books_of_a_board_that_sleeps(tmp_path, board):
    days, faults = (0.5, MORE) if EVERY_CUT else (0.25, FEW)
    result = week(tmp_path / "board", 5, days, board, faults=faults)
    assert result.faults_found() == []
    assert result.faults == faults
    assert result.records.stored >= 144 * days * 0.8 and result.wakes >= 144 * days * 0.8
    assert result.restarts["power cut"] >= 3  # the last one ends the board
    assert result.commands.run == result.commands.sent
    assert result.slept_s >= 86400 * days * 0.9
