"""What is staged for a board was read by the firmware's own checker first."""

import json

import pytest

from tests.support import secure
from tests.system.test_firmware import run_tool
from tools import boards
from tools.board import checking, image, settings, stage
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


@pytest.fixture
def secured(tmp_path):
    folder = secure.make(tmp_path)
    values = {**GOOD, "trusted": "ca.cert.der", "certificate": "device.cert.der"}
    values["key"] = "device.key.der"
    del values["access_token"]
    return folder, values


def test_the_files_that_settings_name_are_staged_with_them(secured):
    folder, values = secured
    path = folder / "mine.json"
    path.write_text(json.dumps(values))
    run = run_tool(folder / "board", "--board", "RPI_PICO_W", "--settings", path)
    assert run.returncode == 0, run.stderr
    key = folder / "board" / "device.key.der"
    assert key.read_bytes() == (folder / "device.key.der").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    packed = image.build(PICO, *stage_given(path))
    assert key.read_bytes() in packed


def stage_given(path):
    values, named = stage.given(path, PICO)
    return values, b"", named


@pytest.mark.parametrize(
    "change, line",
    [
        ({"trusted": "no.der"}, "trusted: no.der is missing or empty; copy it"),
        ({"trusted": "ca.cert.pem"}, "trusted: ca.cert.pem is no DER but PEM"),
        ({"trusted": "device.key.der"}, "trusted: device.key.der is no certificate"),
        ({"key": "ca.key.der"}, "key: ca.key.der is not the key of device.cert.der"),
        ({"key": "device.cert.der"}, "key: device.cert.der is no key, or one with a password"),
    ],
)
def test_certificates_that_a_board_could_not_use_are_refused_here(secured, change, line):
    folder, values = secured
    path = folder / "mine.json"
    path.write_text(json.dumps({**values, **change}))
    with pytest.raises(ValueError, match=r"mine\.json: ") as caught:
        checking.read(path, PICO)
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["main.py", "start.mpy", "credentials.json", "hold", "factory"])
def test_a_certificate_with_the_name_of_a_file_of_the_firmware(secured, name):
    folder, values = secured
    (folder / name).write_bytes((folder / "ca.cert.der").read_bytes())
    path = folder / "mine.json"
    path.write_text(json.dumps({**values, "trusted": name}))
    values, named = stage.given(path, PICO)
    with pytest.raises(ValueError, match=rf"^{name} is a file of the firmware"):
        stage.stage(folder / "board", PICO, values, named=named)
    assert not (folder / "board").exists()


def test_a_folder_is_staged_again_after_a_certificate_was_rolled_over(secured):
    folder, values = secured
    target = folder / "board"
    stage.stage(target, PICO, values, named={"device.cert.der": b"the old one"})
    stage.stage(target, PICO, values, named={"device.cert.der": b"the new one"})
    assert (target / "device.cert.der").read_bytes() == b"the new one"


def test_a_module_that_does_not_compile_is_named(tmp_path, monkeypatch):
    wrong = tmp_path / "app" / "wrong.py"
    wrong.parent.mkdir()
    wrong.write_text("def f(:\n")
    monkeypatch.setattr(application, "REPLACEABLE", [wrong.parent])
    with pytest.raises(ValueError, match=r"wrong\.py, line 1 does not compile: SyntaxError"):
        stage.stage(tmp_path / "board", PICO)
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("out", ["none/settings.json", "."])
def test_a_place_for_settings_that_is_none_is_told_before_they_are_asked_for(tmp_path, out):
    with pytest.raises(ValueError, match="expected a file in a folder that is there"):
        settings.main(board="UNIX", port="", out=tmp_path / out)
