"""What is staged for a board was read by the firmware's own checker first."""

import json

import pytest

from tests.system.test_firmware import run_tool
from tools import boards
from tools.board import checking, stage
from tools.package import application
from tools.unixport import ROOT

GOOD = {"server": "h", "access_token": "SECRET", "wifi_ssid": "air"}
PICO = boards.load("RPI_PICO_W")


@pytest.mark.parametrize(
    "content, line",
    [
        ('{"server": "h",\n "port" 5}', "line 2, column 9: no JSON: Expecting ':' delimiter"),
        ('{"server": "h"', "line 1, column 15: no JSON: Expecting ',' delimiter"),
        ("", "line 1, column 1: no JSON: Expecting value"),
        (b'{"server": "\xe4"}', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("null", 'expected an object, {"name": value, ...}'),
        ("[]", 'a list; expected an object, {"name": value, ...}'),
        ({**GOOD, "sever": "h"}, "; did you mean server?"),
        ({**GOOD, "wifi_pasword": "SECRET"}, "; did you mean wifi_password?"),
        ({**GOOD, "xyz": 1}, "wifi_password, wifi_security, wifi_ssid"),
        ({**GOOD, "port": 0}, "port: expected a UDP port, 1 to 65535"),
        ({**GOOD, "access_token": 5}, "access_token: expected the device's access token, text"),
        ({"server": "h", "wifi_ssid": "air"}, "access_token: missing; give it, or both"),
    ],
)
def test_what_a_board_would_refuse_is_refused_here(tmp_path, content, line):
    path = tmp_path / "mine.json"
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"mine\.json: ") as caught:
        checking.read(path, PICO)
    text = str(caught.value)
    assert line in text and "SECRET" not in text and "\n" not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_board_takes_is_read(tmp_path, encoding):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(GOOD), encoding=encoding)
    assert checking.read(path, PICO) == GOOD


def test_the_example_is_right():
    assert checking.read(ROOT / "firmware" / "settings.example.json", PICO)["server"]


def test_a_board_without_wifi_needs_no_name_of_one(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"server": "h", "access_token": "t"}))
    assert checking.read(path, boards.load("UNIX"))
    with pytest.raises(ValueError, match="wifi_ssid: missing"):
        checking.read(path, PICO)


def test_nothing_is_staged_with_wrong_settings(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**GOOD, "intervall": 5}))
    key, folder = tmp_path / "key.pem", tmp_path / "board"
    run = run_tool(folder, "--board", "RPI_PICO_W", "--settings", path, "--key", key)
    assert run.returncode == 1 and run.stderr.startswith(f"stage: {path}: intervall: unknown")
    assert run.stderr.endswith("; did you mean interval?\n")
    assert not folder.exists() and not key.exists()


def test_staged_secrets_are_for_their_owner_only(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text("{}")
    stage.stage(tmp_path, PICO, GOOD)
    assert json.loads(file.read_text()) == GOOD
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_module_that_does_not_compile_is_named(tmp_path, monkeypatch):
    wrong = tmp_path / "app" / "wrong.py"
    wrong.parent.mkdir()
    wrong.write_text("def f(:\n")
    monkeypatch.setattr(application, "REPLACEABLE", [wrong.parent])
    with pytest.raises(ValueError, match=r"wrong\.py, line 1 does not compile: SyntaxError"):
        stage.stage(tmp_path / "board", PICO)
    assert not (tmp_path / "board").exists()
