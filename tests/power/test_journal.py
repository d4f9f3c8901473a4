"""No power cut takes a record from the journal, or sends one again that was not in flight."""

import pytest

from tests.power import powercut
from tools import bytecode
from tools.unixport import ROOT
from tools.vboard import Board

RECORDS = 40  # as in device/live_journal.py
MIN_CUTS = 200
PORTS = {"rp2": "RPI_PICO_W", "esp32": "ESP32_GENERIC"}  # pages of 256 bytes, and of any length


class Bench:
    """A board with the libraries, and what a journal of theirs does to its flash."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        root = folder / "root"
        for library in ("coap", "thingsboard"):
            bytecode.copy_tree(ROOT / "lib" / library, root / "lib")
        self.fresh = self.board("fresh.img")
        self.fresh.format()
        self.fresh.deploy(root, compiled=False)

    def board(self, name):
        return Board(self.folder / name, board=PORTS[self.port])

    def script(self, *arguments):
        path = self.folder / f"{'-'.join(map(str, arguments))}.py"
        return powercut.script(path, "live_journal", *arguments)

    def record(self, fault=""):
        board = self.board("recorded.img")
        self.fresh.flash.copy(board.flash.image)
        image = board.flash.image.read_bytes()
        console = board.execute(self.script(True, True, fault), heap=powercut.HEAP)
        return powercut.Recording(image, console)

    def check(self, recording, fault=""):
        """Return check(image file, cut), which raises AssertionError for a lost record."""
        said = spoken(recording.lines)
        # Written once: several cuts are checked at a time.
        script = self.script(False, False, fault)

        def check(image, cut):
            self.recover(image, said[: recording.fed_at(cut)], script)

        return check

    def recover(self, image, said, script):
        """Start after a power cut; what is left must fit what was said until then."""
        written, taken, flying = books(said)
        board = Board(image, board=PORTS[self.port])
        console = board.execute(script, heap=powercut.HEAP)
        left = [int(line.split()[1]) for line in console.splitlines()]
        assert left == sorted(set(left)) and left.pop() == RECORDS, left
        lost = written - taken - flying - set(left)
        twice = taken & set(left)
        assert not lost and not twice, f"lost {lost}, twice {twice}"
        assert set(left) <= written | {len(written)}, left


SAYS = ("wrote", "flying", "took")


def spoken(lines):
    return [words for line in lines if (words := line.split())[0] in SAYS]


def books(said):
    """Return the sets of records that were written, that the server took, that were in flight."""
    written, taken, flying = set(), set(), set()
    for word, first, *last in said:
        numbers = set(range(int(first), int(*last or [first]) + 1))
        if word == "wrote":
            written |= numbers
        elif word == "flying":
            flying = numbers
        else:
            taken |= numbers
            flying = set()
    return written, taken, flying


@pytest.fixture(scope="module", params=PORTS)
def bench(request, tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"), request.param)


def test_nothing_is_lost_or_sent_twice_after_every_cut(bench, tmp_path, capsys):
    recording = bench.record()
    cuts = recording.cuts()
    assert len(cuts) >= MIN_CUTS
    chosen = powercut.sample(cuts)
    failures = powercut.survive(recording, chosen, tmp_path, bench.check(recording))
    with capsys.disabled():
        halves = sum(cut.half for cut in chosen)
        print(
            f"\njournal, {bench.port}: power cut at {len(chosen)} of {len(cuts)} points, "
            f"{halves} of them in the middle of an operation"
        )
    assert failures == []


@pytest.mark.parametrize("half", [False, True])
def test_nothing_is_lost_or_sent_twice_after_a_real_cut(bench, tmp_path, half):
    for number in range(20, MIN_CUTS, 60):
        board = Board(tmp_path / "cut.img", board=PORTS[bench.port])
        bench.fresh.flash.copy(board.flash.image)
        said = powercut.really_cut(board, bench.script(True, False), powercut.Cut(number, half))
        assert said
        bench.recover(board.flash.image, spoken(said.splitlines()), bench.script(False, False))


@pytest.mark.parametrize("fault", ["the newest is removed, too"])
def test_a_journal_that_loses_records_is_found_out(bench, tmp_path, fault):
    recording = bench.record(fault)
    cuts = recording.cuts()[:: len(recording.cuts()) // 40]
    assert powercut.survive(recording, cuts, tmp_path, bench.check(recording, fault))
