"""Power cuts through the whole path: server, link, updater, flash, start code, trial.

The firmware itself runs, on a virtual board that loses power at a chosen flash operation. What
test_app_slot.py proves for every operation by replaying is done here by really cutting.
"""

import json
import queue
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from tests.power import powercut
from tests.support.field import Field, told
from tools.tbsim import Simulator
from tools.vboard import Board, BoardError

WORKERS = 4
OLD, NEW = "1.1", "1.2"
IN_FLIGHT = 3 * 1024  # served, and on its way when the power failed
TIMEOUT_S = 60
STRIDE = 1 if powercut.EVERY_CUT else 23


class Rig:
    """A simulator and images of one board: about to update into each folder, or to start it."""

    def __init__(self, field, folder):
        folder.mkdir()
        self.folder = folder
        self.sim = Simulator()
        self.sim.start()
        self.device = self.sim.add_device("board", "board")
        self.package = field.package(NEW, sequence=12)
        board = field.board(folder / "board.img", self.sim, interval=86400, keepalive=0)
        self.images = {"slot_a": board.flash.copy(folder / "a.img")}
        self.sim.assign(self.device, field.package(OLD, sequence=11))
        self.update(board)
        while json.loads(board.read("/trial.state")[:-4])["app"].get("on_trial"):
            self.update(board)  # it was told, but not written
        self.images["slot_b"] = board.flash.copy(folder / "b.img")
        self.sim.assign(self.device, self.package)
        self.update(board, until="UPDATING")
        self.images["trial"] = board.flash.copy(folder / "t.img")

    def update(self, board, until="UPDATED"):
        """Start the board, wait for a state and switch it off."""
        self.device.telemetry.clear()
        board.start()
        try:
            board.wait(lambda: told(self.device, "fw_state")[-1:] == [until], TIMEOUT_S, until)
            if until == "UPDATING":
                board.wait(lambda: board.resets, TIMEOUT_S)
        finally:
            board.stop()

    def cut(self, name, number, half):
        """Let the power fail in an update, and the update end; False if it was over before."""
        board = Board(self.folder / "cut.img")
        self.images[name].copy(board.flash.image)
        self.device.telemetry.clear()
        self.package.served.clear()
        board.start(number, half)
        over = lambda: told(self.device, "fw_state")[-1:] == ["UPDATED"]  # noqa: E731
        try:
            board.wait(over, TIMEOUT_S, "UPDATED")
            return False
        except BoardError:
            if not board.ends or board.ends[-1].cause != "cut":
                raise
        finally:
            board.stop()
        before = len(self.package.served)
        self.update(board)
        causes = [end.cause for end in board.ends]
        assert set(causes) <= {"cut", "reset", "stop"} and causes.count("reset") <= 2, causes
        assert told(self.device, "current_fw_version")[-1] == float(NEW)
        # A block counts once before the cut and once after it: on a busy machine timers repeat
        # some, which is no matter of the cut (test_updater.py counts repetitions).
        lives = self.package.served[:before], self.package.served[before:]
        blocks = [{(start, n) for _, start, n in life} for life in lives]
        twice = sum(n for life in blocks for _, n in life) - len(self.package.data)
        assert twice <= powercut.MAX_TWICE + IN_FLIGHT, f"{twice} bytes fetched twice"
        return True


@pytest.fixture(scope="module")
def rigs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rigs")
    field = Field(folder)
    with ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(lambda n: Rig(field, folder / str(n)), range(WORKERS)))
    yield made
    for rig in made:
        rig.sim.close()


@pytest.mark.parametrize("name, at_least", [("slot_a", 150), ("slot_b", 150), ("trial", 3)])
def test_the_update_ends_well_after_every_cut(rigs, name, at_least, capsys):
    stride = STRIDE if at_least > STRIDE else 1
    numbers = count(1, stride)
    free = queue.SimpleQueue()
    for rig in rigs:
        free.put(rig)
    failures, cuts = [], []

    def work(_):
        rig = free.get()
        while True:
            number = next(numbers)
            for half in (False, True):
                try:
                    if not rig.cut(name, number, half):
                        return
                    cuts.append(number)
                except Exception as error:  # whatever it was, the others are tried as well
                    failures.append(f"operation {number}, half {half}: {error!r}")
                    if len(failures) > 10:
                        return

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    with capsys.disabled():
        print(f"\nfirmware, {name}: power cut at {len(cuts)} points, every {stride}")
    assert failures == []
    assert max(cuts) >= at_least - stride
