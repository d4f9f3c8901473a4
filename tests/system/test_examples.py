"""Each example runs as it stands, on the unix port, against the simulator."""

import json
import subprocess
import time

import pytest

from tests.support import secure
from tools.package import container, keys
from tools.tbsim import Simulator
from tools.tbsim.model.packages import Package
from tools.unixport import LIBRARIES, ROOT, board_name, environment, micropython

EXAMPLES = ROOT / "examples"

SENSORS = """
class HTS221:
    def __init__(self, bus):
        self.bus = bus
    def humidity(self):
        return 41.26
    def temperature(self):
        raise OSError(5)
"""
ABSENT = """
class LPS22H:
    def __init__(self, bus):
        raise OSError(19)
"""
MACHINE = """
class I2C:
    def __init__(self, number):
        pass
"""
NETWORK = """
class WLAN:
    IF_STA = 0
    looks = 0
    def __init__(self, interface):
        pass
    def active(self, on):
        print("active", on)
    def connect(self, name, password):
        print("joins", name, len(password))
    def isconnected(self):
        WLAN.looks += 1
        return 3 < WLAN.looks < NEVER
"""


class Runner:
    """Runs examples in a folder of their own. settings: of the device; fakes: modules there."""

    def __init__(self, folder, sim):
        self.folder, self.sim = folder, sim
        self.device = sim.add_device("pump", "TOKEN")
        self.process = None
        self.settings(server="127.0.0.1", port=sim.port, access_token="TOKEN")

    def settings(self, **values):
        (self.folder / "settings.json").write_text(json.dumps(values))

    def fake(self, **modules):
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(source)

    def start(self, name):
        self.out = (self.folder / "console").open("w+")
        self.process = subprocess.Popen(
            [micropython(), EXAMPLES / f"{name}.py"],
            stdout=self.out,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=environment(self.folder, *LIBRARIES),
        )

    def console(self):
        return (self.folder / "console").read_text()

    def shows(self, text, timeout=15):
        assert self.sim.until(lambda: text in self.console(), timeout), self.console()

    def ends(self, timeout=30):
        """Return the exit code, once it has ended by itself."""
        code = self.process.wait(timeout)
        assert "Traceback" not in self.console(), self.console()
        return code

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.out.close()


@pytest.fixture
def sim():
    with Simulator() as sim:
        yield sim


@pytest.fixture
def runner(tmp_path, sim):
    runner = Runner(tmp_path, sim)
    yield runner
    runner.stop()


def test_each_example_is_run_here():
    names = {path.stem for path in EXAMPLES.glob("*.py")} - {"joining"}
    here = (ROOT / "tests" / "system" / "test_examples.py").read_text()
    elsewhere = (ROOT / "tests" / "interop" / "test_libcoap_server.py").read_text()
    assert len(names) == 12
    for name in names:
        assert f'"{name}"' in (elsewhere if name.startswith("coap_") else here) + here, name


def test_telemetry(runner, sim):
    runner.start("telemetry")
    assert sim.until(lambda: "free" in runner.device.latest()), runner.console()
    assert runner.device.latest()["free"] > 10_000


def test_telemetry_over_dtls(runner, sim):
    folder = secure.make(runner.folder)
    sim.secure(folder / "server.cert.pem", folder / "server.key.pem")
    sim.set_certificate(runner.device, (folder / "device.cert.pem").read_text())
    known = {"server": "coaps://127.0.0.1", "port": sim.secure_port, "trusted": "ca.cert.der"}
    runner.settings(**known, certificate="device.cert.der", key="device.key.der")
    runner.start("secure")
    assert sim.until(lambda: "free" in runner.device.latest()), runner.console()


@pytest.mark.parametrize(
    "files, line",
    [
        ({}, "secure: DTLS needs a trusted certificate"),
        ({"trusted": "none.der"}, "secure: none.der: no such file"),
        ({"trusted": "ca.cert.pem"}, "secure: trusted: not DER, but PEM"),
    ],
)
def test_certificates_that_do_not_do(runner, files, line):
    secure.make(runner.folder)
    runner.settings(server="127.0.0.1", access_token="TOKEN", **files)
    runner.start("secure")
    assert runner.ends() == 1
    assert line in runner.console()


def test_a_form_of_ones_own(runner, sim):
    proto = runner.folder / "tank.proto"
    source = (EXAMPLES / "own_payload.py").read_text()
    lines = source[source.index("#   syntax") : source.index("# `python")].splitlines()
    proto.write_text("\n".join(line.removeprefix("#") for line in lines))
    runner.device.profile = sim.add_profile(
        "tanks", transport="COAP", payload="PROTOBUF", protos={"telemetry": proto}
    )
    runner.start("own_payload")
    assert sim.until(lambda: "level" in runner.device.latest()), runner.console()
    latest = runner.device.latest()
    assert latest["pump"] is (latest["level"] < 50)
    newest_ms = max(ts for ts, key, _ in runner.device.telemetry if key == "level")
    assert abs(newest_ms / 1000 - time.time()) < 20


def test_attributes(runner, sim):
    sim.set_shared(runner.device, interval=7)
    runner.start("attributes")
    runner.shows("told {'client': {'platform': 'linux'")
    runner.shows("set {'interval': 7} deleted []")
    sim.set_shared(runner.device, mode="eco")
    runner.shows("'mode': 'eco'")
    sim.delete_shared(runner.device, "mode")
    runner.shows("deleted ['mode']")


def test_rpc_both_ways(runner, sim):
    sim.rpc_rule("getTime", lambda params: {"time": 77})
    runner.start("rpc")
    runner.shows("the server's time: {'time': 77}")
    assert sim.until(lambda: sim.observes(runner.device, "rpc"))
    assert sim.rpc(runner.device, "setLed", True) == {"on": True}
    assert sim.rpc(runner.device, "getLed") == {"on": True}


def test_provisioning_and_the_start_after_it(runner, sim):
    sim.add_profile(
        "new",
        provision_key="k",
        provision_secret="s",
        strategy="ALLOW_CREATE_NEW_DEVICES",
    )
    settings = {"server": "127.0.0.1", "port": sim.port, "device_name": "pump-7"}
    runner.settings(**settings, provision_key="k", provision_secret="wrong")
    runner.start("provisioning")
    assert runner.ends() == 0
    assert "wrong key or secret" in runner.console()
    runner.settings(**settings, provision_key="k", provision_secret="s")
    runner.start("provisioning")
    assert runner.ends() == 0
    assert "provisioned\ntelemetry accepted" in runner.console()
    runner.start("provisioning")
    assert runner.ends() == 0
    assert "provisioned" not in runner.console() and "accepted" in runner.console()
    assert sim.device("pump-7").latest() == {"hello": 1}


def test_claiming(runner):
    runner.start("claiming")
    assert runner.ends() == 0
    secret = runner.console().split()[-1]
    assert len(secret) == 8
    assert secret in json.dumps(runner.device.claims, default=str)


def test_sensors_where_one_fails_and_one_is_absent(runner, sim):
    runner.fake(hts221=SENSORS, lps22h=ABSENT, machine=MACHINE)
    runner.start("sensors")
    assert sim.until(lambda: runner.device.latest() == {"humidity": 41.3}), runner.console()
    runner.shows("LPS22H does not answer; see its wires")
    runner.shows("temperature was not measured")


def test_an_update_and_the_start_after_it(runner, sim):
    key, _ = keys.load_or_create(runner.folder / "key.pem")
    (runner.folder / "update.keys").write_bytes(keys.public_bytes(key))
    data = container.build(
        key,
        [("app/__init__.py", b"VERSION = 2\n")],
        kind="app",
        title="app",
        version="1.1.0",
        boards=[board_name()],
        sequence=2,
    )
    sim.assign(runner.device, Package("app", "1.1.0", data))
    runner.start("updating")
    assert runner.ends() == 0
    runner.start("updating")
    runner.shows("runs app 1.1.0")
    assert sim.until(lambda: runner.device.latest().get("fw_state") == "UPDATED")


def test_coap_alone(runner, sim):
    runner.start("coap_alone")
    assert runner.ends() == 0
    told = int(runner.console().split()[-1])
    assert abs(told - time.time()) < 60


def test_a_board_joins_the_wifi_of_its_settings(runner, sim):
    runner.fake(network=NETWORK.replace("NEVER", "1000"))
    settings = {"server": "127.0.0.1", "port": sim.port, "access_token": "TOKEN"}
    runner.settings(**settings, wifi_ssid="air", wifi_password="secret")
    runner.start("coap_alone")
    assert runner.ends() == 0
    assert "joins air 6" in runner.console() and "Unix time" in runner.console()
    assert "secret" not in runner.console()


@pytest.mark.parametrize(
    "content, line",
    [
        (None, "settings.json: missing; copy one to where the program runs"),
        ("{", 'settings.json: expected {"server": "...", "access_token": "..."}'),
        ("[]", 'settings.json: expected {"server": "...", "access_token": "..."}'),
        ("{}", 'settings.json: expected {"server": "...", "access_token": "..."}'),
    ],
)
def test_settings_that_will_not_do_are_one_sentence(runner, content, line):
    path = runner.folder / "settings.json"
    path.unlink()
    if content:
        path.write_text(content)
    runner.start("telemetry")
    assert runner.ends() == 1
    assert runner.console() == line + "\n"


def test_a_file_that_an_example_wants_and_what_makes_it(runner):
    runner.start("updating")
    assert runner.ends() == 1
    assert "update.keys: no such file; tools.package board-keys makes it" in runner.console()
    runner.start("sensors")
    assert runner.ends() == 1
    assert runner.console() == "no drivers; mpremote mip install hts221 lps22h\n"


@pytest.mark.parametrize(
    "example, missing",
    [
        ("sensors", "access_token"),
        ("updating", "access_token"),
        ("provisioning", "provision_key"),
    ],
)
def test_a_setting_that_an_example_wants(runner, example, missing):
    runner.fake(hts221=SENSORS, lps22h=ABSENT, machine=MACHINE)
    runner.settings(server="127.0.0.1")
    runner.start(example)
    assert runner.ends() == 1
    assert runner.console() == f"settings.json: {missing} is missing\n"


@pytest.mark.parametrize("example", ["attributes", "provisioning"])
def test_a_token_that_the_server_does_not_know(runner, example):
    (runner.folder / "provisioned.json").write_text('{"access_token": "GONE"}')
    values = {"access_token": "GONE", "provision_key": "k", "provision_secret": "s"}
    runner.settings(server="127.0.0.1", port=runner.sim.port, **values)
    runner.start(example)
    assert runner.ends() == 1
    assert runner.console().endswith("the server says no: 4.01, see access_token\n")


@pytest.mark.parametrize("example", ["coap_observe", "coap_download"])
def test_a_server_that_does_not_answer(runner, sim, example):
    sim.stop_answering()
    runner.start(example)
    assert runner.ends(60) == 1
    assert runner.console().endswith("the server does not answer\n")
