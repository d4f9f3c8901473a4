"""`make lint` finds the mistakes that it is there for, and no others."""

from pathlib import Path

import pytest

from tools.lint import device, markdown, text

# One mistake a line, each on every board.
MISTAKES = """\
WLAN(WLAN.STATION)
WLAN(WLAN.IF_STA).is_connected()
WLAN(WLAN.IF_STA).connect("name", passwd="secret")
Pin("LED", Pin.OUT).values(1)
WDT(timeout_ms=8000)
WDT().kick()
machine.reset_cause() == machine.WATCHDOG_RESET
time.ticks_millis()
time.monotonic_ns()
socket.getaddrinfos("server", 5683)
int.from_bytes(b"12", endian="big")
random.Random(1)
os.path.join("a", "b")
os.replace("a", "b")
trial.os.fsync(1)
json.JSONDecodeError
b"".removeprefix(b"x")
"5".zfill(3)
ConnectionError()
asyncio.timeout(5)
""".splitlines()

IMPORTS = """\
import asyncio, json, machine, os, random, socket, time
from machine import WDT, Pin
from network import WLAN

class trial:
    os = os

"""

RIGHT = """
WLAN(WLAN.IF_STA).isconnected()
WLAN(WLAN.IF_STA).connect("name", "secret")
Pin("LED", Pin.OUT).value(1)
WDT(timeout=8000).feed()
machine.reset_cause() == machine.WDT_RESET
time.ticks_diff(time.ticks_ms(), 0)
socket.getaddrinfo("server", 5683)
int.from_bytes(b"12", "big")
random.getrandbits(8)
os.rename("a", "b")
trial.os.statvfs("/")
json.loads("{}")
try:
    asyncio.run(asyncio.sleep_ms(5))
except asyncio.TimeoutError:
    pass

class Log:
    file = None
    lines = ()

    def open(self):
        self.file = open("log")
        self.lines = []

    def write(self, line):
        self.file.write(line)
        self.lines.append(line)

class Package:
    title = "thermo"

Package().title
"""


def board_faults(folder: Path, source: str) -> list[str]:
    path = folder / "seeded.py"
    path.write_text(source)
    return device.type_faults(device.boards(), path) + device.absent_names(str(path), source)


@pytest.fixture(scope="module")
def faulty_lines(tmp_path_factory):
    """Return the numbers of the lines that are reported on all boards."""
    found = board_faults(tmp_path_factory.mktemp("lint"), IMPORTS + "\n".join(MISTAKES))
    return {int(fault.split(":")[1]) for fault in found if "(on " not in fault}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_name_that_boards_do_not_have_is_found(mistake, faulty_lines):
    first = IMPORTS.count("\n") + 1
    assert first + MISTAKES.index(mistake) in faulty_lines


def test_what_boards_have_is_not_reported(tmp_path):
    assert board_faults(tmp_path, IMPORTS + RIGHT) == []


def test_a_name_that_one_chip_lacks_is_found_there_only(tmp_path):
    found = board_faults(tmp_path, "import esp32\nesp32.raw_temperature()\n")
    assert len(found) == 1 and found[0].endswith("(on esp32-esp32_generic_c3)")


def test_a_wrong_name_in_an_import_is_found():
    found = device.absent_names("x.py", "from os import rename, replace")
    assert found == ["x.py:1: boards have no os.replace"]


def test_board_code_is_what_a_board_runs():
    assert device.is_board_code(device.ROOT / "lib" / "coap" / "coap" / "client.py")
    assert not device.is_board_code(device.ROOT / "lib" / "coap" / "manifest.py")
    assert not device.is_board_code(device.ROOT / "tools" / "unixport.py")


GUIDE = """\
# The guide: `a` and `b`

## Twice
## Twice

```
## No heading
```
"""


@pytest.mark.parametrize(
    "line",
    [
        "[text](guide.md)",
        "[text](guide.md#twice-1)",
        "[text](guide.md#the-guide-a-and-b)",
        "[text](#a-heading)",
        "[text](https://example.org/no#where)",
        "[label]: guide.md",
        "`[text](no.md)`",
        "`docs/guide.md` and `docs/no.md#part`",
        "| " + "x" * 120 + " |",
    ],
)
def test_markdown_that_is_right(tmp_path, line):
    assert markdown_faults(tmp_path, line) == []


@pytest.mark.parametrize(
    "line, what",
    [
        ("[text](no.md)", "leads nowhere: no.md"),
        ("[text](guide.md#thrice)", "no such heading: guide.md#thrice"),
        ("[text](guide.md#no-heading)", "no such heading: guide.md#no-heading"),
        ("[text](#nothing)", "no such heading: #nothing"),
        ("[text](../../other/page.md)", "leads out of the project: ../../other/page.md"),
        ("[label]: no.md", "leads nowhere: no.md"),
        ("`docs/no.md`", "not there: docs/no.md"),
        ("x" * 101, "101 columns"),
    ],
)
def test_markdown_that_is_wrong(tmp_path, line, what):
    assert markdown_faults(tmp_path, line) == [f"docs/page.md:2: {what}"]


def markdown_faults(root: Path, line: str) -> list[str]:
    (root / "docs").mkdir()
    (root / "docs" / "guide.md").write_text(GUIDE)
    page = root / "docs" / "page.md"
    page.write_text(f"# A heading\n{line}\n\n```\n{'x' * 120} [text](no.md)\n```\n")
    return markdown.faults(page, page.read_text(), root)


# Spelled so that this file passes.
@pytest.mark.parametrize("line", ["../share" + "d/x", "The pla" + "n had", "/tm" + "p/x"])
def test_text_that_leads_out_of_the_project_is_found(line):
    assert len(text.faults("x.md", line)) == 1


def test_ordinary_text_is_not_reported():
    assert text.faults("x.md", "What we planned is shared; see lib/coap/README.md.") == []
