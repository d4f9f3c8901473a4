"""No power cut during a firmware update leaves an ESP32 without firmware."""

import pytest

from tests.power import powercut
from tools.package import container, esp32, keys
from tools.unixport import ROOT, mpy_cross
from tools.vboard import Board, BoardError, app_image

OLD, NEW = "1.1", "1.2"  # 1.0 came with the board
VERSIONS = {OLD: 10, NEW: 11}
MIN_CUTS = 500


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.key = keys.create(folder / "key.pem")
        self.packages = {}
        for version, sequence in VERSIONS.items():
            image = app_image(version)
            esp32.check(image, "esp32")
            self.packages[version] = folder / f"{version}.pkg"
            package = container.build(
                self.key,
                [("micropython.bin", image)],
                kind="firmware",
                title="firmware",
                version=version,
                boards=["ESP32_GENERIC-OTA"],
                sequence=sequence,
            )
            self.packages[version].write_bytes(package)
        self.updated = self.prepare()

    def script(self, version=NEW, log=False):
        path = self.folder / f"{version}-{log}.py"
        return powercut.script(path, "update_firmware", str(self.packages[version]), version, log)

    def prepare(self):
        """Return a board that runs 1.1 from its second partition, confirmed."""
        root = self.folder / "root"
        library = ROOT / "lib" / "abupdate"
        for source in [library / "trial.py", *(library / "abupdate").glob("*.py")]:
            mpy_cross(source, root / "lib" / source.relative_to(library).with_suffix(".mpy"))
        (root / "update.keys").write_bytes(keys.public_bytes(self.key))
        board = self.esp32(self.folder / "updated.img")
        board.format()
        board.deploy(root, compiled=False)
        for _ in range(2):
            said = board.execute(self.script(OLD), heap=powercut.HEAP)
        assert said == "runs 1.1 floor 0\ndone"
        return board

    def esp32(self, image):
        return Board(image, board="ESP32_GENERIC-OTA")

    def copy(self, image, other=None):
        board = self.esp32(image)
        (other or self.updated).flash.copy(board.flash.image)
        return board

    def finish(self, image, script):
        return powercut.finish(self.esp32(image), script, OLD, NEW, floor=10)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


def test_old_or_new_runs_after_every_cut_of_the_download(bench, tmp_path, capsys):
    before = bench.updated.flash.image.read_bytes()
    board = bench.copy(tmp_path / "recorded.img")
    console = board.execute(bench.script(log=True), heap=powercut.HEAP)
    recording = powercut.Recording(before, console)
    size = bench.packages[NEW].stat().st_size
    script = bench.script()

    def check(image, cut):
        twice = recording.fed_at(cut) + bench.finish(image, script) - size
        assert twice <= powercut.MAX_TWICE, f"{twice} bytes fetched twice"

    cuts = recording.cuts()
    assert len(cuts) >= MIN_CUTS
    chosen = powercut.sample(cuts)
    failures = powercut.survive(recording, chosen, tmp_path, check)
    with capsys.disabled():
        print(f"\nfirmware: power cut at {len(chosen)} of {len(cuts)} points of the download")
    assert failures == []


def test_old_or_new_runs_after_every_cut_of_the_trial(bench, tmp_path, capsys):
    activated = bench.copy(tmp_path / "activated.img")
    activated.execute(bench.script(), heap=powercut.HEAP)
    cuts = 0
    while True:  # from the boot loader's first operation to the confirmation
        board = bench.copy(tmp_path / "cut.img", activated)
        cut = powercut.Cut(cuts // 2, half=cuts % 2 == 1)
        try:
            powercut.really_cut(board, bench.script(), cut)
        except powercut.NotCut:
            break
        cuts += 1
        assert (
            bench.finish(board.flash.image, bench.script()) <= 1024
        )  # of the header: nothing is downloaded
    with capsys.disabled():
        print(f"\nfirmware: power cut at {cuts} points of the trial")
    assert cuts > 10


def test_power_cuts_during_the_trial_again_and_again(bench, tmp_path):
    board = bench.copy(tmp_path / "board.img")
    script = bench.script()
    for _ in range(3):
        board.execute(script, heap=powercut.HEAP)  # activated, perhaps without a download
        powercut.really_cut(board, script, powercut.Cut(3, False))  # started, but not confirmed
    with pytest.raises(BoardError, match="it failed here before: it never reached") as failed:
        board.execute(script, heap=powercut.HEAP)
    assert "runs 1.1" in str(failed.value)
