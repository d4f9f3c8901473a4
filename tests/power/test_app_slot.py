"""No power cut during an update of a real application leaves a Pico W without one."""

import random
import shutil

import pytest

from tests.power import powercut
from tools.package import application, container, keys
from tools.unixport import ROOT, mpy_cross
from tools.vboard import Board

NEW, NEW_SEQUENCE = "1.1", 11
MIN_FILES, MIN_BYTES, MIN_CUTS = 20, 50_000, 500

# What ran before, in this order: the next update goes into the folder of the first.
HISTORIES = {"slot_a": ["0.9", "1.0"], "slot_b": ["0.8", "0.9", "1.0"]}


def application_of(folder, version):
    """Return the files of one version of the firmware's application and its libraries."""
    folder = folder / version
    sources = []
    for source in application.REPLACEABLE:
        sources.append(folder / source.name)
        shutil.copytree(source, sources[-1], ignore=shutil.ignore_patterns("__pycache__"))
    app = folder / "app"
    code = (app / "__init__.py").read_text()
    assert '\nVERSION = "' in code
    (app / "__init__.py").write_text(code + f"\nVERSION = {version!r}\n")
    with (folder / "coap" / "__init__.py").open("a") as file:
        file.write(f"\nRELEASE = {version!r}\n")
    if version != NEW:
        (app / "dropped.py").write_text(f"VERSION = {version!r}\n")
    (app / "pictures").mkdir()
    # A small one: three copies of the application leave little of a Pico W's flash.
    (app / "pictures" / "0.bin").write_bytes(random.Random(version).randbytes(300))
    return application.collect(sources, application.needless([], ()))


class Bench:
    """A board image per history, and the package of the new version."""

    def __init__(self, folder):
        self.folder = folder
        self.key = keys.create(folder / "key.pem")
        self.packages = {}
        for sequence, version in ((8, "0.8"), (9, "0.9"), (10, "1.0"), (NEW_SEQUENCE, NEW)):
            self.packages[version] = folder / f"{version}.pkg"
            files = application_of(folder, version)
            package = container.build(
                self.key,
                files,
                kind="app",
                title="thermo",
                version=version,
                boards=["VBOARD"],
                sequence=sequence,
            )
            self.packages[version].write_bytes(package)
        assert len(files) >= MIN_FILES and sum(len(c) for _, c in files) >= MIN_BYTES

    def script(self, version=NEW, log=False, fault=""):
        """Return the file of the script that brings a board to a version."""
        path = self.folder / f"{version}-{log}-{fault}.py"
        package = str(self.packages[version])
        return powercut.script(path, "update_app", package, version, log, fault)

    def board(self, target):
        """Return a board on which the next update goes into this folder."""
        image = self.folder / f"{target}.img"
        board = Board(image)
        if not image.exists():
            root = self.folder / "root"
            shutil.rmtree(root, ignore_errors=True)
            files = container.parse(self.packages["0.8"].read_bytes()).files
            for name, content in files:
                path = root / "factory" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            mpy_cross(ROOT / "lib" / "abupdate" / "trial.py", root / "trial.mpy")
            for name in ("board", "settings"):
                mpy_cross(ROOT / "firmware" / f"{name}.py", root / f"{name}.mpy")
            (root / "update.keys").write_bytes(keys.public_bytes(self.key))
            board.format()
            board.deploy(root, compiled=False)
            for version in HISTORIES[target]:
                for _ in range(2):
                    said = board.execute(self.script(version), heap=powercut.HEAP)
                assert said.endswith("done")
        return board

    def record(self, target, fault=""):
        """Run the update from the first byte to the confirmation; return the Recording."""
        board = Board(self.folder / f"recorded-{target}.img")
        self.board(target).flash.copy(board.flash.image)
        image = board.flash.image.read_bytes()
        script = self.script(log=True, fault=fault)
        console = [board.execute(script, heap=powercut.HEAP) for _ in range(2)]
        return powercut.Recording(image, "\n".join(console))

    def check(self, recording, script):
        size = self.packages[NEW].stat().st_size

        def check(image, cut):
            fed = powercut.finish(Board(image), script, "1.0", NEW, floor=10)
            twice = recording.fed_at(cut) + fed - size
            assert twice <= powercut.MAX_TWICE, f"{twice} bytes fetched twice"

        return check


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("target", HISTORIES)
def test_old_or_new_runs_after_every_cut(bench, target, tmp_path, capsys):
    recording = bench.record(target)
    assert recording.lines[-1] == "done"
    cuts = recording.cuts()
    assert len(cuts) >= MIN_CUTS
    chosen = powercut.sample(cuts)
    check = bench.check(recording, bench.script())
    failures = powercut.survive(recording, chosen, tmp_path, check)
    with capsys.disabled():
        print(f"\n{target}: power cut at {len(chosen)} of {len(cuts)} points")
    assert failures == []


def test_the_recorded_cuts_are_real_ones(bench, tmp_path):
    before = bench.board("slot_b").flash
    for number in range(2, 400, 61):
        cut = powercut.Cut(number, half=number % 2 == 0)
        board = Board(tmp_path / f"{number}.img")
        before.copy(board.flash.image)
        console = powercut.really_cut(board, bench.script(log=True), cut)
        recording = powercut.Recording(before.image.read_bytes(), console)
        assert len(recording.operations) == number + 1
        assert recording.flash_at(cut) == board.flash.image.read_bytes(), cut


@pytest.mark.parametrize(
    "fault, complaint",
    [
        ("remove and rename", "the floor is lost"),
        ("state before files", "ImportError"),
        ("folder not emptied", "mixed"),
    ],
)
def test_seeded_faults_are_found(bench, fault, complaint, tmp_path):
    recording = bench.record("slot_a", fault)
    cuts = recording.cuts()
    check = bench.check(recording, bench.script(fault=fault))
    failures = powercut.survive(recording, cuts[10::40] + cuts[-40:], tmp_path, check)
    assert [text for text in failures if complaint in text], failures
