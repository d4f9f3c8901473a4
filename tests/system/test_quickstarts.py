"""Both quick starts, walked from their text: each command, as far as no hardware is needed."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.support.field import Field, told
from tests.system.test_board_flash import ESP, PICO, Chip, merged, micropython
from tools.board import __main__ as command
from tools.board import drive
from tools.tbsim import Simulator
from tools.unixport import ROOT
from tools.vboard import Console

PAGES = [ROOT / "docs" / "quickstart-esp32.md", ROOT / "docs" / "quickstart-pico-w.md"]
READERS = [*PAGES, ROOT / "README.md", *(ROOT / "docs" / f"{n}.md" for n in ("thingsboard",))]
READERS += [
    ROOT / "docs" / "troubleshooting.md",
    ROOT / "docs" / "installing.md",
    ROOT / "examples" / "README.md",
]

# Commands that are not run here, and why.
NOT_RUN = {
    "make sim": "it serves until it is ended; test_sim_banner.py runs it",
    "make monitor": "it shows a console until it is ended; test_board_tools.py runs it",
    "make deploy": "a board is wanted; test_deploying_after_a_change has one",
}


def blocks(page, language):
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def lines(page):
    return [line for block in blocks(page, "sh") for line in block.splitlines()]


def recipe(line):
    """Return the program that a line with make would run, without running it."""
    run = subprocess.run(
        ["make", "-n", "--no-print-directory", *shlex.split(line)[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return shlex.split(run.stdout.replace("\\\n", " "))


class Walk:
    """A person with this page, in an empty folder."""

    def __init__(self, page, folder, flags):
        self.page, self.folder, self.flags = page, folder, flags

    def cp(self, source, target):
        shutil.copy(ROOT / source, self.folder / target)
        (settings,) = blocks(self.page, "json")  # the person edits it
        assert json.loads((self.folder / target).read_text())
        (self.folder / target).write_text(settings)

    def make(self, line):
        words = recipe(line)
        words = words[words.index("tools.board") + 1 :]
        answers = "\n" * 20  # Enter keeps what the settings have
        result = CliRunner().invoke(command.app, words + self.flags[words[0]], input=answers)
        assert result.exit_code == 0, (result.output, result.exception)

    def follow(self):
        """Do each command of the page; return those that were run."""
        done = []
        for line in lines(self.page):
            if any(line.startswith(known) for known in NOT_RUN):
                if line.startswith("make"):
                    recipe(line)
                continue
            if line.startswith("cp "):
                self.cp(*shlex.split(line)[1:])
            else:
                assert line.startswith("make "), f"{line}: neither run nor in NOT_RUN"
                self.make(line)
            done.append(line.split()[1] if line.startswith("make") else "cp")
        return done


@pytest.fixture
def key(tmp_path):
    return ["--key", str(tmp_path / "key.pem")]


def test_an_esp32(monkeypatch, tmp_path, key):
    monkeypatch.chdir(tmp_path)
    chip = Chip(monkeypatch)
    (tmp_path / "ESP32_GENERIC.bin").write_bytes(merged(ESP))
    walk = Walk(
        PAGES[0], tmp_path, {"settings": [], "image": key, "flash": ["--port", "/dev/null"]}
    )
    assert walk.follow() == ["cp", "settings", "image", "flash"]
    (application, filesystem) = chip.written
    assert application[0] == 0x1000 and filesystem[0] == ESP.filesystem.offset
    assert b"my network" in filesystem[1] and b"main.py" in filesystem[1]


def test_a_pico_w(monkeypatch, tmp_path, key):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "drive"
    place.mkdir()
    (place / drive.INFO).write_text(f"Board-ID: {drive.IDS[PICO.mcu]}\n")
    (tmp_path / "RPI_PICO_W.uf2").write_bytes(micropython(PICO))
    walk = Walk(
        PAGES[1], tmp_path, {"settings": [], "image": key, "flash": ["--drive", str(place)]}
    )
    assert walk.follow() == ["cp", "settings", "image", "flash"]
    written = b"".join(path.read_bytes() for path in place.glob("*.uf2"))
    assert b"my network" in written and b"main.py" in written


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_deploying_after_a_change(page, tmp_path):
    (line,) = [line for line in lines(page) if line.startswith("make deploy")]
    words = recipe(line)
    words = words[words.index("tools.board") :]
    words[words.index("--board") + 1] = "UNIX"  # the board that is there
    field = Field(tmp_path)
    with Simulator() as sim:
        device = sim.add_device("board", "board")
        board = field.board(tmp_path / "board.img", sim, conditions={"console": Console()})
        board.start()
        try:
            assert sim.until(lambda: told(device, "heap"), 20), board.console()
            settings = {"server": sim.host, "port": sim.port, "access_token": "board"}
            (tmp_path / "settings.json").write_text(json.dumps({**settings, "interval": 2}))
            words[words.index("--settings") + 1] = str(tmp_path / "settings.json")
            words += ["--port", board.serial.path, "--key", str(field.folder / "key.pem")]
            run = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert run.returncode == 0, run.stdout + run.stderr
            assert "files changed" in run.stdout and "start number" in run.stdout
        finally:
            board.stop()


@pytest.mark.parametrize("page", READERS, ids=lambda path: path.stem)
def test_each_task_of_make_exists(page):
    tasks = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", page.read_text(), re.M))
    assert named - tasks == set()


@pytest.mark.parametrize("page", READERS, ids=lambda path: path.stem)
def test_each_file_exists(page):
    text = page.read_text()
    named = re.findall(r"(?<![\w/.])((?:firmware|examples|lib|tools|docs)/[\w./-]*\w/?)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
