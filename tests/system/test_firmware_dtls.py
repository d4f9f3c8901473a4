"""The firmware over DTLS: a certificate or a token, the clock that it needs, updates."""

import json

import pytest

from tests.support import secure
from tests.support.field import DEPLOYED, Field, told, version
from tools import certificates
from tools.tbsim import Package, Simulator
from tools.vboard import UNSET, Network

OWN = {"certificate": "device.cert.der", "key": "device.key.der", "access_token": None}
WITH_PSRAM = "512k"  # an ESP32 without has not enough for DTLS and an update (docs/security.md)
AIR = {"ssid": "air", "key": "a secret"}
PROVISION = {"provision_key": "key", "provision_secret": "secret"}


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return secure.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def sim(files):
    with Simulator() as sim:
        sim.add_profile(
            "made",
            provision_key="key",
            provision_secret="secret",
            strategy="ALLOW_CREATE_NEW_DEVICES",
        )
        sim.secure(files / "server.cert.pem", files / "server.key.pem")
        yield sim


@pytest.fixture
def start(tmp_path, sim, field, files):
    boards = []

    def start(conditions=None, board="UNIX", **settings):
        settings = {
            "port": sim.secure_port,
            "time_port": sim.port,
            "trusted": "ca.cert.der",
            **settings,
        }
        named = [
            settings[name] for name in ("trusted", "certificate", "key") if settings.get(name)
        ]
        made = field.board(tmp_path / "TOKEN", sim, board=board, conditions=conditions, **settings)
        folder = tmp_path / "named"
        folder.mkdir()
        for name in named:
            (folder / name).write_bytes((files / name).read_bytes())
        made.deploy(folder, compiled=False)
        made.start()
        boards.append(made)
        return made

    yield start
    for board in boards:
        board.stop()


def certified(sim, files):
    device = sim.add_device("device", "UNUSED")
    sim.set_certificate(device, (files / "device.cert.pem").read_text())
    return device


@pytest.mark.parametrize("name", ["UNIX", "RPI_PICO_W", "ESP32_GENERIC-OTA"])
def test_a_device_with_a_token_is_updated(sim, field, start, name):
    device = sim.add_device("device", "TOKEN")
    network = Network({"tb": [sim.host]}, **AIR)
    air = {"wifi_ssid": AIR["ssid"], "wifi_password": AIR["key"]}
    wifi = {} if name == "UNIX" else {"conditions": {"network": network}, **air}
    if name.startswith("ESP32"):
        wifi["conditions"]["heap"] = WITH_PSRAM
    board = start(board=name, **wifi)
    assert version(sim, device) == DEPLOYED
    kind = "sw" if name == "ESP32_GENERIC-OTA" else "fw"
    sim.assign(device, field.package("2.0", kind=kind, board=name))
    board.wait_line(rf"update: {kind} UPDATED: .* 2\.0", 120)
    assert version(sim, device) == "2.0"
    assert board.resets == {"reset": 1}


def test_a_device_with_a_certificate_and_a_package_elsewhere(sim, files, field, start):
    device = certified(sim, files)
    board = start(**OWN)
    assert version(sim, device) == DEPLOYED
    assert sim.until(lambda: told(device, "heap"), 20)
    package = field.package("2.0")
    sim.assign(device, package)
    board.wait_line("update: fw FAILED: .*fw_url", 30)
    assert "fw_url" in told(device, "fw_error")[-1]
    # Any CoAP server will do: the signature decides.
    depot = sim.add_device("depot", "DEPOT")
    sim.assign(depot, package)
    url = f"coap://{sim.host}:{sim.port}/fw/DEPOT?title={package.title}&version=2.0"
    sim.assign(device, Package(package.title, "2.0", package.data, url=url))
    board.wait_line(r"update: fw UPDATED: .* 2\.0", 60)
    assert version(sim, device) == "2.0"


def test_a_certificate_is_provisioned(sim, files, start):
    board = start(**OWN, **PROVISION, device_name="pump")
    board.wait_line("provisioned", 20)
    board.wait_line("start number 1", 20)
    device = sim.device("pump")
    assert device.credentials_type == "X509_CERTIFICATE"
    kept = json.loads(board_off(board).read("/credentials.json"))
    assert kept["provisioned"] is True and "access_token" not in kept
    board.start()
    board.wait_line("start number 2", 20)


def board_off(board):
    board.stop()
    return board


def test_a_certificate_that_the_server_does_not_know(sim, start):
    board = start(**OWN)
    board.wait_line("refuses the access token or certificate", 20)
    assert not sim.until(lambda: len(sim.events) > 40, 5)
    assert not board.resets


@pytest.mark.parametrize(
    "server, words",
    [
        ("expired", "has expired"),
        ("early", "starts in the future"),
        ("stranger", "not correctly signed"),
    ],
)
def test_a_server_whose_certificate_does_not_do(sim, files, start, server, words):
    sim.add_device("device", "TOKEN")
    with Simulator() as other:
        other.secure(files / f"{server}.cert.pem", files / f"{server}.key.pem")
        board = start(port=other.secure_port)
        board.wait_line(f"DTLS handshake: .*{words}", 20)
        assert not other.events


def test_another_name_in_the_certificate(sim, start):
    sim.add_device("device", "TOKEN")
    board = start(server_name="localhost")
    board.wait_line("start number 1", 20)
    board.stop()


def test_a_name_that_the_certificate_has_not(sim, start):
    board = start(server_name="other.example")
    board.wait_line("DTLS handshake: .*expected CN", 20)


def test_a_clock_that_is_unset_is_set_by_the_servers_word(sim, start):
    sim.add_device("device", "TOKEN")
    board = start({"clock": UNSET})
    board.wait_line("clock: set by the server's word", 20)
    board.wait_line("start number 1", 20)


@pytest.mark.parametrize("name", ["RPI_PICO_W", "ESP32_GENERIC"])
@pytest.mark.parametrize("secured", [True, False])
def test_nothing_is_asked_before_the_wifi_is_joined(sim, start, name, secured):
    network = Network({"tb": [sim.host]}, join_s=1.5, **AIR)
    how = {"wifi_ssid": AIR["ssid"], "wifi_password": AIR["key"], "access_token": None}
    if not secured:
        how |= {"trusted": None, "server": "tb", "port": sim.port}
    board = start({"network": network, "clock": UNSET}, name, **PROVISION, **how)
    board.wait_line("start number 1", 30)
    # A try before that fails, and the next comes 15 s later.
    assert "provisioned" in board.console()
    assert "provisioning:" not in board.console() and "no time:" not in board.console()


def test_a_clock_that_nobody_sets(sim, start):
    board = start({"clock": UNSET}, time_port=0)
    board.wait_line("clock: not set; DTLS waits for it", 20)
    assert not sim.until(lambda: sim.events, 3)
    board.set_clock(0)
    board.wait_line("start number 1|4.01", 30)


def test_a_server_that_tells_no_time(sim, start):
    board = start({"clock": UNSET}, time_port=1)
    board.wait_line("clock: not set, and no time: ", 30)
    assert not board.resets


def test_a_certificate_without_its_key(sim, files, start):
    stranger = certificates.make("other")
    (files / "other.key.der").write_bytes(stranger.key_der)
    board = start(**OWN | {"key": "other.key.der"})
    board.wait_line("settings.json: key: other.key.der is not the key of device.cert.der", 20)


def test_a_file_that_is_missing_leads_to_the_prompt(sim, tmp_path, field):
    board = field.board(tmp_path / "TOKEN", sim, trusted="ca.cert.der")
    board.start()
    board.wait_line("settings.json: trusted: ca.cert.der is missing or empty; copy it", 20)
    board.stop()


def test_a_certificate_that_is_damaged_inside_restarts_nothing(sim, files, start):
    content = bytearray((files / "ca.cert.der").read_bytes())
    content[8:40] = bytes(32)
    (files / "damaged.der").write_bytes(content)
    board = start(trusted="damaged.der")
    board.wait_line("settings.json: trusted: .*; copy the files anew: damaged.der", 20)
    assert not sim.until(lambda: board.resets, 5)
    assert board.running and not any("secure.py" in line for line in board.lines)


@pytest.mark.parametrize("name", ["trusted", "certificate", "key"])
def test_a_file_that_is_cut_off_leads_to_the_prompt(sim, files, start, name):
    whole = {"trusted": "ca.cert.der", **OWN}[name]
    (files / "cut.der").write_bytes((files / whole).read_bytes()[:-20])
    board = start(**{**OWN, name: "cut.der"})
    board.wait_line(f"settings.json: {name}: cut.der is cut off; copy it again, whole", 20)
    assert not sim.until(lambda: board.resets, 3)


@pytest.mark.parametrize("name", ["RPI_PICO_W", "ESP32_GENERIC"])
def test_a_board_that_sleeps_knows_the_time_for_its_certificates(sim, start, name):
    device = sim.add_device("device", "TOKEN")
    conditions = {"network": Network({"tb": [sim.host]}, **AIR), "clock": UNSET}
    air = {"wifi_ssid": AIR["ssid"], "wifi_password": AIR["key"]}
    sleeps = {"interval": 4, "report_every": 2, "listen": 1}
    board = start(conditions, name, **air, **sleeps)

    def reports():
        return len([line for line in board.lines if "0 records wait" in line]) >= 3

    board.wait(reports, 90, "three reports")
    assert sim.until(lambda: len(told(device, "heap")) >= 6, 20)
    asked = [line for line in board.lines if "by the server's word" in line]
    assert len(asked) <= 2  # at the first start and the report after it, which know no time yet
