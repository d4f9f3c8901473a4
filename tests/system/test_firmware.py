"""The firmware on the virtual board: what its owner, its server and the power can do to it."""

import itertools
import json
import subprocess
import sys

import pytest

from tools import boards
from tools.board import stage
from tools.package import keys
from tools.tbsim import Simulator
from tools.unixport import ROOT
from tools.vboard import Board

PROVISION = {"provision_key": "key", "provision_secret": "secret"}


GOOD = {"server": "127.0.0.1", "access_token": "SECRET"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    stage.stage(folder, settings={})
    return folder


@pytest.fixture
def sim():
    with Simulator() as sim:
        sim.add_profile(
            "made",
            provision_key="key",
            provision_secret="secret",
            strategy="ALLOW_CREATE_NEW_DEVICES",
        )
        yield sim


@pytest.fixture
def board(root, tmp_path):
    board = Board(tmp_path / "flash.img")
    board.format()
    board.deploy(root, compiled=False)
    yield board
    board.stop()


def run_tool(*arguments):
    command = [sys.executable, "-m", "tools.board.stage", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_tool_that_fills_a_folder_for_a_board(tmp_path, board):
    given = tmp_path / "mine.json"
    given.write_text(json.dumps({**GOOD, "wifi_ssid": "air"}))
    key = tmp_path / "key.pem"
    folder = tmp_path / "board"
    run = run_tool(folder, "--board", "RPI_PICO_W", "--settings", given, "--key", key)
    assert run.returncode == 0 and f"a new signing key: {key}" in run.stdout, run
    assert (folder / "update.keys").read_bytes() == keys.public_bytes(keys.load(key))
    names = {path.name for path in folder.iterdir()}
    modules = {"boot.py", "main.py"} | {
        f"{path.stem}.mpy" for path in stage.ROOT_FILES if path.name not in ("boot.py", "main.py")
    }
    assert names == modules | {"board.json", "settings.json", "update.keys", "factory"}
    assert (folder / "factory/thingsboard/updater.mpy").exists()
    (folder / "settings.json").write_text("{}")
    board.deploy(folder, compiled=False)
    board.start()
    board.wait_end(10)
    assert board.lines == ["settings.json: server: missing; give the server's name or address"]


def test_the_facts_of_another_board(tmp_path, board):
    folder = tmp_path / "root"
    stage.stage(folder, settings=GOOD)
    (folder / "board.json").write_text(json.dumps(boards.load("RPI_PICO_W").facts))
    board.deploy(folder, compiled=False)
    board.start()
    wrong = "board.json is that of RPI_PICO_W, this is standard; deploy "
    board.wait(lambda: any(line.startswith(wrong) for line in board.lines), 10)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("--settings", "missing.json"), "missing.json: no such file; make settings BOARD="),
        (("--settings", "README.md"), "README.md: line 1, column 1: no JSON: Expecting value"),
        (("--key", "README.md"), "no private key"),
        (("--board", "PICO_W"), "no board PICO_W; there are RPI_PICO_W"),
    ],
)
def test_the_tool_is_told_nonsense(tmp_path, arguments, reason):
    given = {"--board": "UNIX", "--key": tmp_path / "key.pem"} | dict([arguments])
    run = run_tool(tmp_path / "board", *itertools.chain(*given.items()))
    assert run.returncode == 1 and reason in run.stderr, run
    assert "Traceback" not in run.stderr


def test_a_key_file_that_is_none_is_named(board, tmp_path):
    write(board, tmp_path, "update.keys", "x" * 385)
    configure(board, tmp_path, GOOD)
    board.start()
    assert board.wait_end(10).cause == "repl"
    assert board.lines == ["update.keys: expected 1 to 4 keys of 384 bytes"]


def configure(board, tmp_path, settings):
    write(board, tmp_path, "settings.json", json.dumps(settings))


def write(board, tmp_path, path, text):
    folder = tmp_path / "files"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    board.deploy(folder, compiled=False)


def start(board, tmp_path, sim, **settings):
    """Start with these settings and return when the device is known to the server."""
    settings = {"server": sim.host, "port": sim.port, "interval": 1, **settings}
    configure(board, tmp_path, settings)
    board.start()
    board.wait_line("start number", 20)


@pytest.mark.parametrize(
    "settings, line",
    [
        (None, "settings.json: missing; copy one to the board's root folder"),
        ("{", "settings.json: cut off; copy it again, whole"),
        ("[]", "settings.json: a list; expected an object"),
        (
            {**GOOD, "sever": 1},
            "settings.json: sever: unknown; known are access_token, certificate",
        ),
        ("", "settings.json: empty; copy it again, whole"),
        ('{"server": "h", "access_token": "t"', "settings.json: cut off"),
        ('{"server": "h", "access_token": "t', "settings.json: cut off"),
        ("[" * 3000, "settings.json: brackets in more than 8 levels"),
        ('{"led": ' + "[" * 1000 + "]" * 1000 + "}", "settings.json: brackets in more than 8"),
        (" " * 5000, "settings.json: larger than 4096 bytes"),
        ('{1: 2, "server": "h"}', "settings.json: 1: unknown; known are"),
        ({**GOOD, "server": "HTTP://h"}, "settings.json: server: expected coap://name:port"),
        ({**GOOD, "server": "h:0"}, "settings.json: server: expected after the colon a UDP"),
        ({**GOOD, "server": ["h"]}, "settings.json: server: expected the server's name"),
        ({**GOOD, "wifi_country": "DEU"}, "settings.json: wifi_country: expected two letters"),
        ({**GOOD, "hostname": "a_b"}, "settings.json: hostname: expected 1 to 32 letters"),
        ({**GOOD, "wifi_address": ["1.2.3.4"] * 3}, "settings.json: wifi_address: expected"),
        ({**GOOD, "wifi_address": ["1.2.3.400"] * 4}, "settings.json: wifi_address: expected"),
        ({**GOOD, "port": "x"}, "settings.json: port: expected a UDP port, 1 to 65535"),
        ({**GOOD, "port": 65536}, "settings.json: port: expected a UDP port, 1 to 65535"),
        ({**GOOD, "interval": True}, "settings.json: interval: expected seconds"),
        ({**GOOD, "interval": 0}, "settings.json: interval: expected seconds"),
        ({**GOOD, "watchdog": 9}, "settings.json: watchdog: expected seconds, 0 (off) to 8"),
        ({**GOOD, "trial": -1}, "settings.json: trial: expected seconds, 0 (for ever) to 86400"),
        ({**GOOD, "server": ""}, "settings.json: server: missing; give"),
        ({**GOOD, "access_token": 5}, "settings.json: access_token: expected the device's"),
        ({"server": "h"}, "settings.json: access_token: missing; give it, or"),
        ({"server": "h", "provision_key": "k"}, "settings.json: provision_secret: missing"),
        ({**GOOD, "led": 1.5}, "settings.json: led: expected a pin's name or number"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_restart(board, tmp_path, settings, line):
    text = settings if isinstance(settings, str) else json.dumps(settings)
    if settings is None:
        script = tmp_path / "script.py"
        script.write_text("import os\nos.remove('/settings.json')")
        board.execute(script)
    else:
        write(board, tmp_path, "settings.json", text)
    board.start()
    assert board.wait_end(10).cause == "repl"
    assert len(board.lines) == 1
    assert board.lines[0].startswith(line)
    assert "SECRET" not in board.lines[0]


def test_provisioned_once_and_known_after_a_power_cut(board, tmp_path, sim):
    start(board, tmp_path, sim, **PROVISION, device_name="board")
    device = sim.device("board")
    board.cut_power()
    saved = json.loads(board.read("/credentials.json"))
    assert saved == {"access_token": device.access_token, "provisioned": True}
    board.start()
    board.wait_line("start number 2", 20)
    assert list(sim.store.devices) == ["board"]
    assert device.access_token not in board.console(1000)


def test_power_fails_between_the_answer_and_its_saving(board, tmp_path, sim):
    start(board, tmp_path, sim, **PROVISION, device_name="board")
    board.stop()
    token = sim.device("board").access_token
    saved = {"access_token": token, "provisioned": False}
    write(board, tmp_path, "credentials.json", json.dumps(saved))
    board.start()
    board.wait_line("start number 2", 20)
    board.stop()
    assert json.loads(board.read("/credentials.json"))["provisioned"]


def test_a_refused_provisioning_is_told_and_not_hammered(board, tmp_path, sim):
    configure(
        board,
        tmp_path,
        {"server": sim.host, "port": sim.port, **PROVISION, "provision_secret": "guess"},
    )
    board.start()
    board.wait_line("provisioning: wrong key or secret", 20)
    requests = [e for e in sim.events if e.is_request]
    assert len(requests) == 2  # to provision, and whether the token works all the same
    assert not sim.until(lambda: len(sim.events) > 6, 3)
    assert "guess" not in board.console(100)


def test_a_setting_of_the_server_is_kept_until_deleted(board, tmp_path, sim):
    device = sim.add_device("known", "TOKEN")
    start(board, tmp_path, sim, access_token="TOKEN")
    assert sim.until(lambda: sim.observes(device))
    for value, line in (
        (3, "interval 3 s"),
        (0, "interval: ValueError expected 0.1 to 86400 seconds"),
        ("4", "interval 4 s"),
        (2.5, "interval 2.5 s"),
    ):
        after = len(board.lines)
        sim.set_shared(device, interval=value)
        board.wait_line(line, 10, after)
    sim.delete_shared(device, "interval")
    board.wait_line("interval 1 s", 10)


def test_commands(board, tmp_path, sim):
    device = sim.add_device("known", "TOKEN")
    start(board, tmp_path, sim, access_token="TOKEN")
    assert sim.until(lambda: sim.observes(device, "rpc"))
    assert sim.rpc(device, "getInfo")["interval"] == 1
    assert sim.rpc(device, "setLed", {"on": True}) == {"on": True}
    board.wait(lambda: board.led == 1, 2)
    assert "expected" in sim.rpc(device, "setLed", {})["error"]
    assert sim.rpc(device, "reboot") == {"ok": True}
    board.wait_line("start number 2", 20)
    assert board.resets == {"reset": 1}


def test_a_wrong_token_is_told_and_not_hammered(board, tmp_path, sim):
    configure(
        board,
        tmp_path,
        {"server": sim.host, "port": sim.port, "access_token": "WRONG"},
    )
    board.start()
    board.wait_line("the server refuses the access token", 20)
    assert not sim.until(lambda: len(sim.events) > 40, 5)
    assert "WRONG" not in board.console(100)
    assert board.console(100).count("4.01") == 1  # whichever jobs hear it


def test_a_wrong_host_name_is_told_and_tried_again(board, tmp_path):
    configure(board, tmp_path, {"server": "no-such-host.invalid", **PROVISION})
    board.start()
    board.wait_line("provisioning: .*, try 1", 20)
    board.wait_line("provisioning: .*, try 2", 30, len(board.lines))
    assert not board.resets


@pytest.mark.parametrize(
    "code, cause", [("1 / 0", "reset"), ("while True: pass", "watchdog"), ("import nix", "reset")]
)
def test_an_application_that_fails_restarts_the_board(board, tmp_path, code, cause):
    configure(board, tmp_path, {**GOOD, "watchdog": 1 if cause == "watchdog" else 8})
    write(board, tmp_path, "factory/app/__init__.py", code)
    script = tmp_path / "script.py"
    script.write_text("import os\nos.remove('/factory/app/__init__.mpy')")
    board.execute(script)
    board.start()
    board.wait(lambda: board.resets, 20)
    assert board.resets == {cause: 1}


def test_damaged_credentials_are_told_and_got_anew(board, tmp_path, sim):
    write(board, tmp_path, "credentials.json", '{"access_token": "SECRET", "provis')
    start(board, tmp_path, sim, **PROVISION)
    assert board.lines[0] == ("credentials.json: cut off; passed over")
    assert not any("SECRET" in line for line in board.lines)
    assert len(sim.store.devices) == 1


def test_a_refused_token_is_provisioned_anew(board, tmp_path, sim):
    start(board, tmp_path, sim, refused=5, **PROVISION)
    (gone,) = list(sim.store.devices)
    sim.call(lambda: sim.downlink.close(sim.store.devices.pop(gone)))
    board.wait_line("restart: the access token was refused", 40)
    assert sim.until(lambda: len(sim.store.devices) == 1, 20)
    assert list(sim.store.devices) != [gone]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_settings_of_any_editor(board, tmp_path, sim, encoding):
    sim.add_device("d", "TOKEN")
    server = f" CoAP://{sim.host}:{sim.port}/ "
    text = json.dumps({"server": server, "access_token": "TOKEN\r\n", "interval": "1"}, indent=1)
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_bytes((mark + text.replace("\n", "\r\n")).encode(encoding))
    board.deploy(folder, compiled=False)
    board.start()
    board.wait_line("start number", 20)
