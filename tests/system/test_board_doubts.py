"""What a board takes, and its owner hardly means, is told where a board is made."""

import datetime
import json
import subprocess
import sys

import pytest

from tests.system.test_firmware import run_tool
from tools import boards, certificates
from tools.board import doubts
from tools.unixport import ROOT

EXAMPLE = ROOT / "firmware" / "settings.example.json"
NOW = datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.timezone.utc)


def told(values, board="RPI_PICO_W", **files):
    find = lambda name: files.get(name.split(".")[0])  # noqa: E731
    return doubts.of(values, boards.load(board), "mine.json", find, NOW)


def test_the_untouched_example_is_told_where_a_board_is_made(tmp_path):
    key = tmp_path / "key.pem"
    run = run_tool(
        tmp_path / "board", "--board", "RPI_PICO_W", "--settings", EXAMPLE, "--key", key
    )
    names = "server, wifi_ssid, wifi_password, provision_key, provision_secret"
    line = f"{EXAMPLE}: {names} are still the example's; give your own"
    assert run.returncode == 0 and line in run.stdout.splitlines(), run.stdout
    assert "its password" not in run.stdout


@pytest.mark.parametrize(
    "values, what",
    [
        ({"payload": "protobuf"}, "payload"),
        ({"trusted": "ca.cert.der"}, "trusted"),
        ({"trusted": "ca.cert.der", "payload": "protobuf"}, "trusted and payload"),
    ],
)
def test_what_leaves_an_update_no_memory(values, what):
    assert told(values) == told({"payload": "json"}, "ESP32_GENERIC") == []
    assert told(values, "ESP32_GENERIC") == [
        f"mine.json: {what}: on ESP32_GENERIC this leaves no memory for an update, "
        "unless it has PSRAM or the firmware is frozen"
    ]


def test_one_setting_that_nobody_changed():
    values = json.loads(EXAMPLE.read_text())
    values = {"server": values["server"], "access_token": "mine"}
    assert told(values) == ["mine.json: server is still what the example has; give your own"]
    assert told({**values, "server": "tb.lan"}) == []


@pytest.mark.parametrize(
    "begins, days, line",
    [
        (-100, 90, "expired on 2026-06-05; boards refuse the server"),
        (1, 90, "is not valid before 2026-06-16"),
        (-10, 39, "expires on 2026-07-14, in 29 days"),
        (-10, 41, None),
    ],
)
def test_a_certificate_at_the_wrong_time(begins, days, line):
    when = NOW + datetime.timedelta(days=begins)
    made = certificates.make("ca", is_ca=True, begins=when, days=days)
    lines = told({"trusted": " ca.cert.der"}, ca=made.der)
    assert lines == ([f"mine.json: trusted: ca.cert.der {line}"] if line else [])


def test_settings_that_are_asked_for_are_told_of_as_well(tmp_path):
    long_ago = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    made = certificates.make("device", begins=long_ago, days=9)
    certificates.write(made, tmp_path, "device")
    ca = certificates.make("ca", is_ca=True)
    certificates.write(ca, tmp_path, "ca")
    path = tmp_path / "settings.json"
    values = {"server": "coaps://tb.lan", "trusted": "ca.cert.der"}
    values |= {"certificate": "device.cert.der", "key": "device.key.der"}
    path.write_text(json.dumps(values))
    command = [sys.executable, "-m", "tools.board", "settings", "--board", "UNIX", "--out", path]
    run = subprocess.run(
        command, input=40 * "\n", capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    doubt = "certificate: device.cert.der expired on 2025-01-10; give the board another"
    assert run.stdout.endswith(f"{path}: written\n{path}: {doubt}\n"), run.stdout + run.stderr
