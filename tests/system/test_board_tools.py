"""What is done by the cable: mpremote's transport at a virtual board, with its watchdog on."""

import json
import os
import struct
import subprocess
import sys
import threading

import pytest

from tests.support.field import Field, told
from tests.support.processes import Program
from tools import boards
from tools.board import deploy, settings, stage
from tools.board.link import LinkError, connected
from tools.package import keys
from tools.tbsim import Simulator
from tools.unixport import ROOT
from tools.vboard import Console

UNIX = boards.load("UNIX")
FILL = """
with open('/full', 'wb') as file:
    for _ in range(80):
        file.write(bytes(4096))
"""
FILL_ALL = """
import os
count = 0
try:
    while True:
        with open('/full%d' % count, 'wb') as file:
            file.write(bytes(16384))
        count += 1
except OSError:
    for number in range(count - 2, count + 1):
        os.remove('/full%d' % number)
"""


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def sim():
    with Simulator() as sim:
        yield sim


@pytest.fixture
def device(sim):
    return sim.add_device("board", "board")


@pytest.fixture
def board(field, sim, device, tmp_path):
    board = field.board(tmp_path / "board.img", sim, conditions={"console": Console()})
    board.start()
    assert sim.until(lambda: told(device, "heap"), 20), board.console()
    yield board
    board.stop()


@pytest.fixture
def tool(board, field, tmp_path):
    """Return a function that runs a tool at the board's port: (exit code, what it said)."""

    def run(name, *arguments, port=board.serial.path, **how):
        command = [sys.executable, "-m", "tools.board", name, "--port", port, *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, **how)
        assert "Traceback" not in run.stderr, run.stderr
        return run.returncode, run.stdout + run.stderr

    return run


def deploying(field, *more):
    return "--board", "UNIX", "--key", field.folder / "key.pem", *more


def test_deploying_changes_what_differs_and_nothing_else(tool, board, field, device, sim):
    # The field's boards have a file that no release has.
    code, said = tool("deploy", *deploying(field))
    assert code == 0 and "1 files changed" in said and "start number" in said, said
    assert not board.resets["watchdog"]
    count = len(told(device, "heap"))
    assert sim.until(lambda: len(told(device, "heap")) > count + 2, 20), board.console()
    code, said = tool("deploy", *deploying(field))
    assert code == 0 and "has all of it already" in said, said


def staged(field, folder, **changed):
    """Return a folder with the firmware, some files of the factory copy changed."""
    stage.stage(folder, UNIX, public_keys=keys.public_bytes(field.key), extras=())
    for name, content in changed.items():
        (folder / "factory" / name).write_bytes(content)
    return folder


BIG = bytes(range(256)) * 60


def test_a_cable_that_is_pulled_leaves_what_ran(board, field, device, sim, tmp_path):
    root = staged(field, tmp_path / "root", big=BIG)
    with connected(board.serial.path) as link:
        before = link.hashes("/factory")
        changed, removed = deploy.changes(link, root)
        assert set(changed) == {"/factory/big"} and removed == ["/factory/app/dropped.py"]

        def pulled(done):
            if done > 6000:
                raise LinkError("pulled")

        with pytest.raises(LinkError, match="pulled"):
            deploy.copy(link, changed, removed, pulled)
    board.cut_power()
    board.start()
    count = len(told(device, "heap"))
    assert sim.until(lambda: len(told(device, "heap")) > count + 2, 20), board.console()
    with connected(board.serial.path) as link:
        assert link.hashes("/factory") == before
        deploy.deploy(link, root)  # what was left there is no hindrance
        assert link.hashes("/factory")["/factory/big"] and not link.hashes("/new").get("/new/0")


def test_what_a_power_cut_interrupts_is_finished_at_the_next_start(board, field, tmp_path):
    root = staged(field, tmp_path / "root", big=BIG[:100], bigger=BIG[:200])
    with connected(board.serial.path) as link:
        changed, removed = deploy.changes(link, root)
        half = (ROOT / "firmware" / "deployed.py").read_text()
        half = half.replace('os.rename(FOLDER + "/" + name, place)', "return")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deploy, "FINISH", tmp_path / "half.py")
            deploy.FINISH.write_text(half)
            deploy.copy(link, changed, removed)
        assert "/factory/big" not in link.hashes("/factory")
    board.cut_power()
    seen = len(board.lines)
    board.start()
    board.wait_line("start number", 20, seen)
    with connected(board.serial.path) as link:
        there = link.hashes("/factory", "/new")
    assert "/factory/big" in there and "/factory/bigger" in there
    assert "/factory/app/dropped.py" not in there
    assert not [name for name in there if name.startswith("/new")]


def test_a_flash_without_room_is_told_before_anything_is_changed(board, field, tmp_path):
    root = staged(field, tmp_path / "root", big=os.urandom(500_000))
    with connected(board.serial.path) as link:
        link.execute(FILL)
        changed, removed = deploy.changes(link, root)
        with pytest.raises(LinkError, match="bytes left and .* are wanted: make erase-app"):
            deploy.copy(link, changed, removed)
        assert "/factory/big" not in link.hashes("/factory")


def test_a_flash_that_is_full_in_mid_copy_is_freed_again(board, field, tmp_path, monkeypatch):
    root = staged(field, tmp_path / "root", big=os.urandom(60_000))  # more than FILL_ALL leaves
    monkeypatch.setattr(deploy, "SPARE", -1_000_000)
    with connected(board.serial.path) as link:
        link.execute(FILL_ALL)
        with pytest.raises(LinkError, match="flash is full: make erase-app"):
            deploy.copy(link, *deploy.changes(link, root))
        assert not [name for name in link.hashes("/new") if name.startswith("/new")]
        assert "new" not in link.execute("import os; print(os.listdir('/'))")


def test_a_board_that_is_refused_goes_on_working(tool, board, field, sim, device):
    code, said = tool("deploy", *deploying(field)[2:], "--board", "RPI_PICO2_W")
    assert code == 1 and "is standard, not RPI_PICO2_W" in said, said
    count = len(told(device, "heap"))
    assert sim.until(lambda: len(told(device, "heap")) > count + 2, 20), board.console()


@pytest.mark.parametrize(
    "how, reason",
    [
        ({"board": "RPI_PICO_W"}, "is standard, not RPI_PICO_W: check BOARD="),
        ({"board": "RPI_PICOW"}, "no board RPI_PICOW; there are RPI_PICO_W"),
        ({"port": "/dev/ttyNOTHING"}, "no port /dev/ttyNOTHING; there are"),
    ],
)
def test_what_is_wrong_is_one_sentence(tool, board, field, how, reason):
    arguments = list(deploying(field))
    arguments[1] = how.pop("board", "UNIX")
    code, said = tool("deploy", *arguments, **how)
    assert code == 1 and reason in said, said
    assert len(said.strip().splitlines()) == 1


def test_a_port_that_is_busy(tool, board, field):
    with connected(board.serial.path):
        code, said = tool("deploy", *deploying(field))
    assert code == 1 and "is busy" in said and len(said.strip().splitlines()) == 1, said


def test_a_board_that_says_nothing(field, tmp_path):
    outer, inner = os.openpty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.board.link.ANSWER_S", 0.5)
        patch.setattr("tools.board.link.TRIES", 2)
        with pytest.raises(LinkError, match="no MicroPython answers"):
            with connected(os.ttyname(inner)):
                pass
    os.close(outer)
    os.close(inner)


def test_what_is_no_board_and_never_ends():
    outer, inner = os.openpty()
    done = threading.Event()

    def noise():
        while not done.wait(0.02):
            os.write(outer, os.urandom(64).replace(b"\n", b""))

    threading.Thread(target=noise, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.board.link.ANSWER_S", 1)
        with pytest.raises(LinkError, match="has no end: is it a board"):
            with connected(os.ttyname(inner)):
                pass
    done.set()
    os.close(inner)


def test_backup_and_restore(tool, board, tmp_path):
    folder = tmp_path / "saved"
    code, said = tool("backup", folder)
    assert code == 0 and "settings.json, update.keys" in said, said
    assert (folder / "settings.json").stat().st_mode & 0o777 == 0o600
    saved = (folder / "settings.json").read_bytes()
    with connected(board.serial.path) as link:
        link.execute("import os; os.remove('/settings.json')")
    code, said = tool("restore", folder)
    assert code == 0, said
    with connected(board.serial.path) as link:
        assert link.read("/settings.json") == saved
    assert tool("restore", tmp_path / "other")[0] == 1


def times(files):
    """Return the times of the records in files of a journal, as docs/journal.md has them."""
    for content in files:
        while content:
            size, _, time = struct.unpack_from("<2xHIq", content)
            yield time
            content = content[20 + size :]


def test_records_that_wait_are_saved_and_put_back_on_demand(tool, board, sim, device, tmp_path):
    folder = tmp_path / "saved"
    assert tool("backup", folder)[0] == 0
    code, said = tool("restore", folder, "--records")
    assert code == 1 and "no records waited" in said, said
    sim.link.loss_up = 1
    seen = len(board.lines)
    assert sim.until(lambda: sum("measured" in line for line in board.lines[seen:]) > 12, 40)
    (folder / "journal").mkdir()
    (folder / "journal" / "00000000").write_bytes(b"of an older backup")
    code, said = tool("backup", folder)
    assert code == 0 and said.rstrip().endswith("journal"), said
    files = [path for path in (folder / "journal").iterdir() if path.name != "head"]
    waiting = set(times(path.read_bytes() for path in files))
    assert len(waiting) >= 10
    code, said = tool("restore", folder, "--records")
    assert code == 1 and "the board has records of its own" in said, said
    with connected(board.serial.path) as link:
        link.remove_tree("/journal")
    code, said = tool("restore", folder, "--records")
    assert code == 0 and f"journal/{files[0].name}" in said, said
    sim.link.loss_up = 0
    assert sim.until(lambda: waiting <= {ts for ts, _, _ in list(device.telemetry)}, 40)


def test_erasing_updates(tool, board, field, sim, device):
    sim.assign(device, field.package("1.1"))
    assert sim.until(lambda: "UPDATED" in told(device, "fw_state"), 40), board.console()
    sim.unassign(device)
    code, said = tool("deploy", *deploying(field))
    assert code == 0 and "goes on with the update demo 1.1: make erase-app" in said, said
    code, said = tool("erase-app", input="n\n")
    assert code == 1, said
    seen = len(board.lines)
    code, said = tool("erase-app", "--yes")
    assert code == 0, said
    board.wait_line("start number", 20, seen)
    with connected(board.serial.path) as link:
        assert not [name for name in link.hashes("/slot_a", "/slot_b") if "slot" in name]


def test_monitor_goes_on_when_the_board_is_reset(board, sim, device):
    monitor = Program("tools.board", "monitor", "--port", board.serial.path, "--stamps")
    said = monitor.said
    assert sim.until(lambda: any("measured" in line for line in said), 20), said
    sim.rpc(device, "reboot")
    assert sim.until(lambda: any("start number 2" in line for line in said), 30), said
    assert monitor.ctrl_c() == 0, said
    assert said[1][2] == ":" and "Ctrl-C ends it" in said[0]


# Settings


def asked(board, values, answers, **how):
    """Return what ask() makes of answers by name; those not named are Enter."""
    given = {name: list(texts) for name, texts in answers.items()}
    questions = []

    def prompt(text, **options):
        name = text.split(" ")[0]
        questions.append((name, options["hide_input"], text))
        return given[name].pop(0) if given.get(name) else ""

    faults = []
    made = settings.ask(board, values, how.get("all_names", False), prompt, faults.append)
    return made, questions, faults


def test_settings_are_asked_for_and_checked():
    made, questions, faults = asked(
        boards.load("RPI_PICO_W"),
        {},
        {
            "server": ["demo.example"],
            "wifi_ssid": ["air"],
            "wifi_password": ["12345678"],
            "access_token": ["T0KEN"],
            "interval": ["0", "60"],
        },
    )
    assert made == {
        "server": "demo.example",
        "wifi_ssid": "air",
        "wifi_password": "12345678",  # text, though it looks like a number
        "access_token": "T0KEN",
        "interval": 60,
    }
    assert faults == ["settings.json: interval: expected seconds between measurements, 1 to 86400"]
    again = [text for name, _, text in questions if name == "interval"][1]
    assert not again.endswith("]")  # what was refused is not offered
    hidden = {name for name, secret, _ in questions if secret}
    assert hidden == {"wifi_password", "access_token"}
    assert "provision_key" not in [name for name, _, _ in questions]


def test_what_is_there_is_kept_and_a_hyphen_removes_it():
    known = {"server": "a.example", "access_token": "S3CRET", "interval": 5}
    made, questions, _ = asked(UNIX, known, {"interval": ["-"], "server": ["b.example"]})
    assert made == {"server": "b.example", "access_token": "S3CRET"}
    assert not any("S3CRET" in text for _, _, text in questions)
    assert not any(name.startswith("wifi") for name, _, _ in questions)


def test_settings_reach_the_board(tool, board):
    code, said = tool("settings", "--board", "UNIX", input="\n\n\n7\n")
    assert code == 0 and "restarts with them" in said, said
    with connected(board.serial.path) as link:
        assert json.loads(link.read("/settings.json"))["interval"] == 7


def test_settings_that_the_firmware_there_has_no_code_for(tool, board):
    hint = "the firmware there has no code for low-power: make deploy BOARD=UNIX"
    with connected(board.serial.path) as link:
        values = json.loads(link.read("/settings.json"))
        link.replace("/settings.json", json.dumps(values | {"report_every": 2}).encode())
    code, said = tool("settings", "--board", "UNIX", input="\n" * 8)
    assert code == 0 and hint in said, said
    board.wait_line("report_every: low power is not in this application; it stays awake", 20)
    tool("deploy", "--board", "UNIX", "--no-wait")
    code, said = tool("settings", "--board", "UNIX", input="\n" * 8)
    assert code == 0 and "no code" not in said, said


def test_settings_that_no_board_can_read_begin_anew(tool, board, sim):
    with connected(board.serial.path) as link:
        link.replace("/settings.json", b'{"server": "a')
    code, said = tool("settings", "--board", "UNIX", input="b.example\nTOKEN\n\n")
    assert code == 0 and "begin anew" in said, said
    with connected(board.serial.path) as link:
        values = json.loads(link.read("/settings.json"))
    assert values == {"server": "b.example", "access_token": "TOKEN"}


def test_settings_in_a_file(tmp_path):
    path = tmp_path / "settings.json"
    command = [sys.executable, "-m", "tools.board", "settings", "--board", "UNIX", "--out", path]
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, input="a.example\nTOK\n\n"
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(path.read_text()) == {"server": "a.example", "access_token": "TOK"}
    assert path.stat().st_mode & 0o777 == 0o600
