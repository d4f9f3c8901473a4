"""What a person types at the prompt of `make sim`, and what is shown."""

import json

import pytest
from aiocoap import GET, POST, Message

from tools.package import container
from tools.tbsim.cli import command, describe


@pytest.fixture
def device(sim):
    return sim.device("golden")


@pytest.mark.parametrize(
    "path",
    ["api/v1/TOK/telemetry", "api/v1/TOK/rpc/1", "fw/TOK", "sw/TOK", "api/v1/TOK/rpc"],
)
def test_no_access_token_is_shown(path):
    message = Message(code=GET, uri_path=path.split("/"), _mtype=0)
    shown = describe(message)
    assert "TOK" not in shown and "/" + path.split("/")[0] in shown


def test_paths_without_a_token_are_shown_whole():
    message = Message(code=GET, uri_path=("api", "v1", "provision"), _mtype=0)
    assert "/api/v1/provision" in describe(message)


def test_a_package_is_assigned_and_taken_away(sim, device, key, tmp_path):
    files = [("app/main.py", b"pass")]
    names = {"kind": "app", "title": "thermo", "version": "1.1", "boards": ["X"]}
    data = container.build(key, files, sequence=1, **names)
    path = tmp_path / "thermo.pkg"
    path.write_bytes(data)
    assert command(sim, device, "assign", [str(path), "sw"])
    assert device.shared_attributes["sw_title"] == "thermo"
    assert device.shared_attributes["sw_size"] == len(data)
    assert command(sim, device, "unassign", ["sw"])
    assert not device.shared_attributes


@pytest.mark.parametrize(
    "line, error",
    [
        (["assign"], ValueError),
        (["assign", "missing.pkg"], OSError),
        (["assign", "README.md"], container.PackageError),
        (["assign", "README.md", "nw"], ValueError),
        (["unassign", "nw"], ValueError),
        (["fly"], ValueError),
    ],
)
def test_nonsense_is_an_error_and_changes_nothing(sim, device, line, error):
    with pytest.raises(error):
        command(sim, device, line[0], line[1:])
    assert not device.shared_attributes


def test_no_line_tells_what_a_provisioning_knows():
    for secret in (
        {"deviceName": "d", "provisionDeviceSecret": "hidden"},
        {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN", "credentialsValue": "hidden"},
        {"deviceName": "d", "credentialsType": "ACCESS_TOKEN", "token": "hidden"},
    ):
        message = Message(code=POST, payload=json.dumps(secret).encode(), _mtype=0)
        line = describe(message)
        assert "hidden" not in line and next(iter(secret)) in line
