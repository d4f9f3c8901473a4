"""`make release`: the index by mpremote and by a board's own mip; one version in one place."""

import functools
import http.server
import json
import re
import subprocess
import sys
import threading

import pytest

from tools import release
from tools.package import keys
from tools.unixport import LIBRARIES, ROOT
from tools.vboard import Board, Console

VERSION = release.version()
HEAP = "1M"  # mip and its index want some


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    release.index(folder)
    return folder


@pytest.fixture
def url(dist):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=dist)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "flash.img", heap=HEAP, console=Console())
    board.format()
    board.start()
    yield board
    board.stop()


def mpremote(board, *words):
    command = [sys.executable, "-m", "mpremote", "connect", board.serial.path, "resume", *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return run.returncode, run.stdout + run.stderr


IMPORTS = "import thingsboard.updater, coap.dtls, trial; print('version', thingsboard.__file__)"


def test_mpremote_installs_a_package_with_its_parts(board, url):
    install = ("mip", "--index", url, "install", "thingsboard")
    code, said = mpremote(board, *install)
    assert code == 0 and "Installing: /lib/thingsboard/device.mpy" in said, said
    assert "/lib/coap/client.mpy" in said and "/lib/trial.mpy" in said
    code, said = mpremote(board, "exec", IMPORTS)
    assert code == 0 and "/lib/thingsboard/__init__.mpy" in said, said
    code, said = mpremote(board, *install)
    assert code == 0 and "Exists:" in said and "Installing: " not in said, said
    code, said = mpremote(board, "mip", "--index", url, "install", "thingsboard@9.9.9")
    assert code != 0 and "Package not found" in said and "Traceback" not in said, said


def test_a_board_installs_by_itself(board, url):
    code, said = mpremote(board, "exec", f"import mip; mip.install('thingsboard', index='{url}')")
    assert code == 0 and "Done" in said, said
    code, said = mpremote(board, "exec", IMPORTS)
    assert code == 0 and "/lib/thingsboard/__init__.mpy" in said, said


def test_source_is_there_as_well(dist):
    listed = json.loads((dist / "package/py/coap/latest.json").read_text())
    place, name = next(item for item in listed["hashes"] if item[0] == "coap/client.py")
    assert (dist / "file" / name[:2] / name).read_bytes() == (
        ROOT / "lib/coap" / place
    ).read_bytes()


def test_two_runs_give_the_same_and_other_files_want_another_version(tmp_path, monkeypatch):
    for name in ("one", "two"):
        release.index(tmp_path / name)
        release.archive(tmp_path / name)
        release.sums(tmp_path / name)
    sums = [(tmp_path / name / release.SUMS).read_text() for name in ("one", "two")]
    assert sums[0] == sums[1] and ".tar.gz" in sums[0]
    release.index(tmp_path / "one")
    monkeypatch.setattr(release.bytecode, "convert", lambda path, place: (place, b"other"))
    before = sorted((tmp_path / "one").rglob("*"))
    with pytest.raises(release.Refused, match="is in .* already, with other files: raise"):
        release.index(tmp_path / "one")
    assert sorted((tmp_path / "one").rglob("*")) == before
    monkeypatch.setattr(release, "version", lambda: "9.9.9")
    release.index(tmp_path / "one")
    package = tmp_path / "one/package/6/coap"
    old = json.loads((package / f"{VERSION}.json").read_text())
    assert json.loads((package / "latest.json").read_text())["version"] == "9.9.9"
    assert old["version"] == VERSION


def test_with_a_wrong_key_nothing_is_written(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("no key")
    with pytest.raises(SystemExit, match="is no private key in PEM"):
        release.main(tmp_path / "dist", key, 1)
    assert not (tmp_path / "dist").exists()


def test_a_library_that_does_not_compile_is_one_sentence(tmp_path, monkeypatch):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f(:\n")
    monkeypatch.setattr(release, "sources", lambda package: [("wrong.py", wrong)])
    with pytest.raises(SystemExit, match=r"release: .*wrong\.py, line 1 does not compile"):
        release.main(tmp_path / "dist")


def test_the_update_is_signed_by_the_key_that_is_given(tmp_path):
    key = tmp_path / "key.pem"
    keys.create(key)
    command = [sys.executable, "-m", "tools.release", tmp_path / "dist", "--key", key]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 1 and "--sequence" in run.stderr, run.stderr
    run = subprocess.run([*command, "--sequence", "3"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    command = [sys.executable, "-m", "tools.package", "inspect"]
    package = tmp_path / "dist" / f"firmware-{VERSION}.bin"
    run = subprocess.run([*command, package], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0 and "RPI_PICO_W" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_what_a_package_lists_is_what_its_folder_has(library):
    listed = {place for place, _ in release.sources(library.name)}
    there = {
        path.relative_to(library).as_posix()
        for path in library.rglob("*.py")
        if path.name != "manifest.py"
    }
    assert listed == there


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_one_version_everywhere(library):
    manifest = (library / "manifest.py").read_text()
    assert re.search(r'version="(.+?)"', manifest)[1] == VERSION
    assert json.loads((library / "package.json").read_text())["version"] == VERSION
