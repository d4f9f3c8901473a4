"""Updates of boards whose sockets keep few datagrams and whose flash stops everything (RP2).

MicroPython on a Pico W keeps four datagrams for a socket, that of 1.25 one; what comes while these
wait is lost (extmod/modlwip.c).
"""

import json
import subprocess
import time

import pytest

from tests.support.updated import RESET, package
from tools.board import DEVICE
from tools.package import keys
from tools.tbsim import Simulator
from tools.unixport import LIBRARIES, ROOT, environment, micropython

SCRIPT = ROOT / "tests" / "support" / "small_main.py"
TIMEOUT_S = 30


class Result:
    """What an update took: its seconds, blocks, requests for them, and the board's counts."""

    def __init__(self, key, tmp_path, room, window_limit, pause=False):
        (tmp_path / "keys").write_bytes(keys.public_bytes(key))
        assigned = package(key)
        with Simulator() as sim:
            device = sim.add_device("board", "TOKEN")
            sim.assign(device, assigned)
            sim.link.delay_ms = 15
            arguments = [str(sim.port), str(tmp_path / "keys"), str(room), str(window_limit)]
            process = subprocess.Popen(
                [micropython(), "-X", "heapsize=1M", str(SCRIPT), *arguments, str(int(pause))],
                env=environment(*LIBRARIES, DEVICE, ROOT / "tests" / "unit"),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            start = time.monotonic()
            # Other traffic comes in between.
            while process.poll() is None and time.monotonic() < start + TIMEOUT_S:
                time.sleep(0.2)
                sim.set_shared(device, unrelated=time.monotonic())
            self.seconds = time.monotonic() - start
            process.kill()
            self.output = process.stdout.read()
            assert process.wait() == RESET, self.output
            self.asked = [e for e in sim.events if e.up and e.path[:1] == ("sw",)]
        self.blocks = -(-len(assigned.data) // 1024)
        self.counts = json.loads(self.output.splitlines()[-1])

    @property
    def requests(self):
        """Requests for each block, on the average."""
        return len(self.asked) / self.blocks


@pytest.mark.parametrize("pause", [False, True])
def test_four_datagrams_are_enough_for_the_usual_window(key, tmp_path, pause):
    result = Result(key, tmp_path, 4, 3, pause)
    assert result.requests < 1.2 and result.seconds < 10, result.output
    assert result.counts["erased"] > 20
    # Without a pause some are under way while the flash works, with it none.
    assert bool(result.counts["under_way"]) != pause


def test_one_datagram_is_enough_for_one_block_at_a_time(key, tmp_path):
    result = Result(key, tmp_path, 1, 1)
    assert result.requests < 1.2 and result.seconds < 15, result.output
    assert result.counts["under_way"] == 1  # it has a place, also while the flash works


def test_a_window_that_is_too_large_costs_repetitions_but_does_not_collapse(key, tmp_path):
    result = Result(key, tmp_path, 1, 3)
    assert result.counts["dropped"] > 5  # so the model does drop
    assert 1 < result.requests < 2 and result.seconds < 20, result.output
