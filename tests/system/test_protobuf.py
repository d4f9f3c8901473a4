"""A device whose profile has Protobuf, on the unix port against the simulator; .proto files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.dual import prepare_cpython
from tests.support.field import DEPLOYED, Field
from tools import protobuf
from tools.package import application
from tools.package.application import Extra
from tools.unixport import LIBRARIES, ROOT, environment, micropython

TOKEN = "TOK3N"

DEVICE = """
import asyncio, json, sys
import coap, thingsboard
from thingsboard.payload_protobuf import Protobuf
from thingsboard.provisioning import provision

async def main():
    client = await coap.connect("127.0.0.1", int(sys.argv[1]))
    codec = Protobuf()
    made = await provision(client, "key", "secret", payload=codec, deviceName="made")
    device = thingsboard.Device(client, made["credentialsValue"], payload=codec, log=print)
    device.on_attributes(lambda changed, deleted: print(json.dumps([changed, deleted])))
    device.on_rpc("echo", lambda params: {"payload": params})
    device.on_rpc("fail", lambda params: {"reason": params})
    asyncio.create_task(thingsboard.run(device))
    await device.send_attributes({"firmwareVersion": "1.0", "serialNumber": "s1"})
    await device.claim("word", 5000)
    print(json.dumps(await device.call("getTime")))
    print(json.dumps(await device.request_attributes(client_keys=["serialNumber"])))
    n = 0
    while True:
        device.record({"temperature": n + 0.5, "innerObject": {"key4": n}})
        n += 1
        await asyncio.sleep_ms(200)

asyncio.run(main())
"""


@pytest.fixture
def profile(sim):
    return sim.add_profile(
        "binary",
        transport="COAP",
        payload="PROTOBUF",
        provision_key="key",
        provision_secret="secret",
        strategy="ALLOW_CREATE_NEW_DEVICES",
    )


def test_all_that_a_device_does(sim, profile, tmp_path):
    sim.rpc_rule("getTime", lambda params: {"time": 5})
    script, output = tmp_path / "device.py", tmp_path / "output"
    script.write_text(DEVICE)
    with output.open("w") as out:
        process = subprocess.Popen(
            [micropython(), "-X", "heapsize=224k", str(script), str(sim.port)],
            env=environment(*LIBRARIES),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        assert sim.until(lambda: "made" in sim.store.devices, 10), output.read_text()
        device = sim.device("made")
        assert sim.until(lambda: sim.observes(device, "rpc"), 20), output.read_text()
        assert sim.rpc(device, "echo", "x") == {"payload": "x"}
        assert json.loads(sim.rpc(device, "fail", "y")["payload"]) == {"reason": "y"}
        sim.set_shared(device, on=True, off=False, level=5, zero=0, text="a b", part=1.5)
        sim.delete_shared(device, "level")

        def lines():
            return [json.loads(x) for x in output.read_text().splitlines() if x[0] in "[{"]

        assert sim.until(lambda: [{}, ["level"]] in lines(), 20), output.read_text()
        state = {}
        for changed, _ in [line for line in lines() if isinstance(line, list)]:
            state |= changed
        assert state.pop("level") == 5
        assert state == {"on": True, "off": False, "zero": 0, "text": "a b", "part": 1.5}
        assert {"time": 5} in lines() and {"client": {"serialNumber": "s1"}} in lines()
        assert device.claims[0]["secretKey"] == "word"
        assert sim.until(lambda: device.latest().get("temperature", 0) > 5)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


# The firmware's own profile

PROFILE = ROOT / "firmware" / "profile"


def test_the_firmwares_schemas_are_those_of_its_profile(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "firmware" / "app")
    import schemas

    for name in ("Telemetry", "Attributes"):
        assert protobuf.convert(PROFILE / f"{name.lower()}.proto") == (
            name,
            getattr(schemas, name),
        )


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path)


@pytest.fixture
def device(sim):
    """A device whose profile has the schemas of the firmware."""
    protos = {name: PROFILE / f"{name}.proto" for name in ("telemetry", "attributes")}
    profile = sim.add_profile("firmware", transport="COAP", payload="PROTOBUF", protos=protos)
    return sim.add_device("board", "board", profile)


@pytest.fixture
def board(sim, field, device, tmp_path):
    """That device, in touch with the server."""
    board = field.board(tmp_path / "board.img", sim, payload="protobuf")
    board.start()
    board.wait_line("start number 1", 20)
    yield board
    board.stop()


def test_the_firmware_with_its_profile(sim, field, device, board):
    assert sim.until(lambda: "heap" in device.latest(), 20)
    assert device.client_attributes["version"] == DEPLOYED
    assert "current_fw_title" in device.latest() and "values" not in device.latest()
    newest_ms = max(ts for ts, key, _ in device.telemetry if key == "heap")
    assert abs(newest_ms / 1000 - time.time()) < 20
    assert sim.until(lambda: sim.observes(device, "rpc"), 20)
    assert json.loads(sim.rpc(device, "setLed", "true")["payload"]) == {"on": True}
    sim.assign(device, field.package("2.0", extras=[Extra.protobuf]))
    board.wait_line(r"update: fw UPDATED: .* 2\.0", 60)


# .proto files

HEAD = 'syntax = "proto3";\npackage sensors;\n'
TELEMETRY = """
message SensorDataReading {
  optional double temperature = 1;
  optional double humidity = 2;
  InnerObject innerObject = 3;
  message InnerObject {
    optional string key1 = 1;
    optional bool key2 = 2;
    optional double key3 = 3;
    optional int32 key4 = 4;
    optional string key5 = 5;
  }
}
"""
DEFAULTS = {
    "TELEMETRY": TELEMETRY,
    "ATTRIBUTES": "message SensorConfiguration {"
    " optional string firmwareVersion = 1; optional string serialNumber = 2; }",
    "REQUEST": "message RpcRequestMsg {"
    " optional string method = 1; optional int32 requestId = 2; optional string params = 3; }",
    "RESPONSE": "message RpcResponseMsg { optional string payload = 1; }",
}


@pytest.fixture
def convert(tmp_path):
    def convert(text):
        path = tmp_path / "sensor.proto"
        path.write_text(text)
        return protobuf.convert(path)

    return convert


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_servers_default_schemas(convert, name):
    prepare_cpython(Path(__file__).parent)
    from thingsboard import payload_protobuf

    _, schema = convert(HEAD + DEFAULTS[name])
    assert schema == getattr(payload_protobuf, name)


def test_nested_repeated_and_enums(convert):
    name, schema = convert(
        HEAD
        + """
        enum Mode { OFF = 0; ON = 3; }
        message Place { float lat = 1; repeated sint64 height = 2; }
        message Reading {
            int64 ts = 1;
            message Values { Mode mode = 1; repeated Place places = 2; bytes raw = 3; }
            Values values = 2;
        }
        """
    )
    place = {"lat": (1, "float"), "height": (2, ["sint64"])}
    values = {"mode": (1, (("OFF", 0), ("ON", 3))), "places": (2, [place]), "raw": (3, "bytes")}
    assert (name, schema) == ("Reading", {"ts": (1, "int64"), "values": (2, values)})


@pytest.mark.parametrize(
    "text, reason",
    [
        ("message A { int32 a = 1;\n int32 b = 1; }", "sensor.proto:4:.*number 1"),
        ("message A {\n map<string, int32> a = 1; }", "sensor.proto:4: a is a map"),
        ("message A {\n A a = 1; }", "sensor.proto:3: A holds itself"),
        ("message A {\n Missing a = 1; }", "sensor.proto:4:.*Missing"),
        ("enum A { X = 0; }", "sensor.proto: no message; the last one"),
        ("message A { int32 a = 1; }\nmessage B {}", "sensor.proto:4: B has no field"),
        ("no schema", "sensor.proto:3:"),
        ("message None {\n int32 a = 1; }", "sensor.proto:3: None is no name in Python"),
        (
            "message M0 { int32 a = 1; }\n"
            + "".join(f"message M{n} {{ M{n - 1} m = 1; }}\n" for n in range(1, 20)),
            "more than 16 messages in each other",
        ),
    ],
)
def test_what_cannot_be_expressed_is_named_with_its_line(convert, text, reason):
    with pytest.raises(protobuf.Refused, match=reason):
        convert(HEAD + text)


def test_only_what_the_server_takes(convert):
    with pytest.raises(protobuf.Refused, match="sensor.proto: empty; a schema begins with syntax"):
        convert(" \n")
    with pytest.raises(protobuf.Refused, match="only proto3"):
        convert('syntax = "proto2";\nmessage A { optional int32 a = 1; }')
    with pytest.raises(protobuf.Refused, match="sensor.proto:2: imports"):
        convert(
            'syntax = "proto3";\nimport "google/protobuf/any.proto";\nmessage A { int32 a = 1; }'
        )


@pytest.mark.parametrize("content", [b"\xff\xfem\0", bytes(range(256))])
def test_a_file_that_is_no_text_is_named(tmp_path, content):
    path = tmp_path / "sensor.proto"
    path.write_bytes(content)
    with pytest.raises(SystemExit, match=r"protobuf: .*sensor\.proto: no text in UTF-8"):
        protobuf.main([path])


def test_no_file_takes_the_place_of_another(tmp_path, capsys):
    paths = [tmp_path / "one.proto", tmp_path / "two.proto"]
    for path in paths:
        path.write_text('syntax = "proto3";\nmessage Same { int32 a = 1; }')
    with pytest.raises(SystemExit, match=r"two\.proto: another file has the root message Same"):
        protobuf.main(paths)
    assert not capsys.readouterr().out


def test_the_tool_prints_python(tmp_path):
    path = tmp_path / "sensor.proto"
    path.write_text(HEAD + TELEMETRY)
    command = [sys.executable, "-m", "tools.protobuf"]
    run = subprocess.run([*command, path], capture_output=True, text=True, cwd=ROOT)
    made = {}
    exec(run.stdout, made)
    assert made["SensorDataReading"] == protobuf.convert(path)[1]
    run = subprocess.run([*command, "missing.proto"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 1 and run.stderr.startswith("protobuf: ")
    assert "Traceback" not in run.stderr


# Where it is not wanted it stays out


def test_a_package_has_it_only_if_asked(tmp_path):
    pico, esp32 = "RPI_PICO_W", "ESP32_GENERIC-OTA"
    without = application.needless([pico], ())
    extras = set().union(*application.EXTRAS.values())
    assert extras | application.PARTITIONS == without
    assert application.needless([pico, esp32], Extra) == set()
    assert application.needless(["MY_OWN"], ()) == extras
    assert application.needless(["MY_OWN"], [Extra.protobuf]) == extras - {
        "app/schemas.mpy",
        "thingsboard/payload_protobuf.mpy",
        "thingsboard/protobuf.mpy",
    }
    names = {name for name, _ in application.collect(application.REPLACEABLE)}
    assert without < names  # no name is wrong
    left = {name for name, _ in application.collect(application.REPLACEABLE, without)}
    assert left == names - without


def test_a_board_that_was_updated_without_it_goes_back(sim, field, device, board):
    sim.assign(device, field.package("2.0"))
    board.wait_line("fw FAILED: it failed here before: .*protobuf is not in this app", 90)
    assert device.client_attributes["version"] == DEPLOYED
