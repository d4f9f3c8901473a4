"""A simulator with its page, a board that runs the firmware, and a browser that looks at both.

One board and one page serve all tests of a file, which say themselves what they need of them.
"""

import contextlib
import os
import shutil
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.field import Field
from tools.tbsim import Simulator
from tools.tbsim.web import WebServer, page

WAIT_MS = 20_000
LAPTOP = {"width": 1280, "height": 760}
# Text that would be markup, and would tell.
HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror='document.title = 1'>"

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, without a window."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail("no chromium; on Debian: apt-get install chromium; elsewhere: CHROMIUM=path")
    # As root Chromium has no sandbox; it opens nothing here but the simulator's page.
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@contextlib.contextmanager
def watched(chromium, url):
    """Open the page, and hold against it each error and each request to somebody else."""
    tab = chromium.new_page(viewport=LAPTOP, color_scheme="light")
    tab.set_default_timeout(WAIT_MS)
    wrong = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    # An action that is refused is told by the page; Chromium tells it as well.
    refusals = "status of 400"
    tab.on(
        "console",
        lambda line: line.type != "error" or refusals in line.text or wrong.append(line.text),
    )
    tab.on("dialog", lambda dialog: wrong.append("a dialog") or dialog.dismiss())
    tab.on(
        "request",
        lambda request: request.url.startswith((url, "data:")) or wrong.append(request.url),
    )
    tab.goto(url)
    yield tab, wrong
    tab.close()


@pytest.fixture(scope="module")
def scene(chromium, field, tmp_path_factory):
    """sim, device, board, tab: all in touch with each other."""
    folder = tmp_path_factory.mktemp("scene")
    with Simulator() as sim, WebServer(sim, [page.mount]) as server:
        device = sim.add_device("greenhouse", "greenhouse")
        sim.set_shared(device, interval=1)
        board = field.board(folder / "greenhouse.img", sim)
        board.start()
        try:
            with watched(chromium, server.url) as (tab, wrong):
                yield SimpleNamespace(
                    sim=sim, device=device, board=board, tab=tab, server=server, wrong=wrong
                )
        finally:
            board.stop()


@pytest.fixture
def tab(scene):
    """The page as it is after what the tests before did, with nothing faulty at the server."""
    yield scene.tab
    scene.sim.link.loss_up = scene.sim.link.loss_down = scene.sim.link.delay_ms = 0
    scene.sim.answer_again()
    assert not scene.wrong
