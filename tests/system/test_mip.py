"""The libraries by mip: mpremote's over a serial line, and a board's own; then an example runs."""

import functools
import http.server
import json
import subprocess
import sys
import threading

import pytest

from tools.release import __main__ as release
from tools.tbsim import Simulator
from tools.unixport import ROOT
from tools.vboard import Board, Console

HEAP = "1M"  # mip and what is compiled on the board want some
IMPORTS = "import thingsboard.updater, coap.dtls, trial; print(thingsboard.__file__)"
CHECKOUT = [f"./lib/{name}/package.json" for name in ("coap", "thingsboard", "abupdate")]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Return where `make release` of this tree is served."""
    folder = tmp_path_factory.mktemp("dist")
    release.build(folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
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


@pytest.fixture
def sim():
    with Simulator() as sim:
        yield sim


def command(board, *words):
    return [sys.executable, "-m", "mpremote", "connect", board.serial.path, "resume", *words]


def mpremote(board, *words):
    """Return the exit code, and what was said."""
    run = subprocess.run(
        command(board, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    return run.returncode, run.stdout


def runs_an_example(board, sim, folder):
    """The commands of examples/README.md, until the server has the telemetry."""
    device = sim.add_device("pump", "TOKEN")
    settings = folder / "settings.json"
    known = {"server": "127.0.0.1", "port": sim.port, "access_token": "TOKEN"}
    settings.write_text(json.dumps(known))
    code, said = mpremote(board, "cp", "examples/joining.py", str(settings), ":")
    assert code == 0, said
    console = folder / "console"
    with console.open("w") as out:
        words = command(board, "run", "examples/telemetry.py")
        example = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            assert sim.until(lambda: "free" in device.latest(), 30), console.read_text()
        finally:
            example.kill()
            example.wait()


def test_mpremote_installs_a_package_with_its_parts(board, sim, url, tmp_path):
    install = ("mip", "install", "--index", url, "thingsboard")
    code, said = mpremote(board, *install)
    assert code == 0 and "Installing: /lib/thingsboard/device.mpy" in said, said
    assert "/lib/coap/client.mpy" in said and "/lib/trial.mpy" in said
    assert ".py\n" not in said
    code, said = mpremote(board, "exec", IMPORTS)
    assert code == 0 and "/lib/thingsboard/__init__.mpy" in said, said
    code, said = mpremote(board, *install)
    assert code == 0 and "Exists:" in said and "Installing: " not in said, said
    runs_an_example(board, sim, tmp_path)


def test_a_version_that_is_not_there(board, url):
    code, said = mpremote(board, "mip", "install", "--index", url, "thingsboard@9.9.9")
    assert code != 0 and "Package not found" in said and "Traceback" not in said, said
    code, said = mpremote(board, "fs", "ls", ":")
    assert code == 0 and "lib" not in said, said


def test_a_board_installs_by_itself(board, sim, url, tmp_path):
    code, said = mpremote(board, "exec", f"import mip; mip.install('thingsboard', index='{url}')")
    assert code == 0 and "Done" in said, said
    code, said = mpremote(board, "exec", IMPORTS)
    assert code == 0 and "/lib/thingsboard/__init__.mpy" in said, said
    runs_an_example(board, sim, tmp_path)


def test_from_a_checkout(board, sim, tmp_path):
    code, said = mpremote(board, "mip", "install", *CHECKOUT)
    assert code == 0 and said.count("Done") == len(CHECKOUT), said
    code, said = mpremote(board, "exec", IMPORTS)
    assert code == 0 and "/lib/thingsboard/__init__.py" in said, said
    runs_an_example(board, sim, tmp_path)


@pytest.mark.parametrize("page", ["README.md", "examples/README.md", "docs/installing.md"])
def test_the_pages_have_this_command(page):
    assert f"mpremote mip install {' '.join(CHECKOUT)}\n" in (ROOT / page).read_text()
