"""What a person types at the prompt of `make sim`, and what is shown."""

import io
import json

import pytest
from aiocoap import GET, POST, Message
from rich.console import Console

from tools.package import container
from tools.tbsim.decoded import describe
from tools.tbsim.prompt import COMMANDS, Prompt, help_text


@pytest.fixture
def device(sim):
    return sim.device("golden")


@pytest.fixture
def prompt(sim, device):
    return Prompt(sim, device, Console(file=io.StringIO(), width=99))


def shown(prompt):
    return prompt.console.file.getvalue()


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


def test_a_package_is_assigned_and_taken_away(prompt, device, key, tmp_path):
    files = [("app/main.py", b"pass")]
    names = {"kind": "app", "title": "thermo", "version": "1.1", "boards": ["X"]}
    data = container.build(key, files, sequence=1, **names)
    path = tmp_path / "thermo.pkg"
    path.write_bytes(data)
    assert prompt.obey(f"assign '{path}' sw")
    assert device.shared_attributes["sw_title"] == "thermo"
    assert device.shared_attributes["sw_size"] == len(data)
    assert prompt.obey("unassign sw")
    assert not device.shared_attributes


@pytest.mark.parametrize(
    "line, text",
    [
        ("assign", "expected: assign file [fw|sw]"),
        ("assign missing.pkg", "No such file"),
        ("assign README.md", "README.md: this is no update package"),
        ("assign README.md nw", "expected: assign file [fw|sw]"),
        ("assign 'README.md", "assign: no closing quotation"),
        ("unassign nw", "expected: unassign [fw|sw]"),
        ("fly", "no command fly; help lists them"),
        ("asign x", "no command asign; did you mean assign?"),
        ("SET a=1", "no command SET; did you mean set?"),
        ("set", "expected: set key=value ..."),
        ("set a", "expected: set key=value ..."),
        ("set a=1 b", "expected: set key=value ..."),
        ("set =1", "expected: set key=value ..."),
        ("set a = 1", "expected: set key=value ..."),
        ("delete", "expected: delete key ..."),
        ("delete nix", "no shared attribute nix; there are: "),
        ("loss", "expected: loss percent"),
        ("loss much", "expected: loss percent"),
        ("loss 101", "loss: 101 is not in the range of 0 to 100"),
        ("loss -1", "loss: -1 is not in the range of 0 to 100"),
        ("loss nan", "loss: nan is not in the range of 0 to 100"),
        ("rpc", "expected: rpc method [JSON]"),
        ("rpc setLed {on: true}", "rpc: the parameters are no JSON: "),
        ("set a=" + "[" * 100_000, "set: JSON that is nested too deeply"),
        ("rpc x " + "[" * 100_000, "rpc: JSON that is nested too deeply"),
        ("restart now", "restart stands alone, without now"),
    ],
)
def test_nonsense_is_an_error_and_changes_nothing(sim, prompt, device, line, text):
    with pytest.raises((ValueError, OSError)) as caught:
        prompt.obey(line)
    assert text in str(caught.value)
    assert not device.shared_attributes and sim.link.loss_up == sim.link.loss_down == 0


@pytest.mark.parametrize(
    "line, values",
    [
        ("set a=1", {"a": 1}),
        ("set a=1 b=on c=true", {"a": 1, "b": "on", "c": True}),
        ("set a='two words' b=\"\"", {"a": "two words", "b": ""}),
        ('set a={"b": [1, "c d"]}', {"a": {"b": [1, "c d"]}}),
        ('set a="text"', {"a": "text"}),
        ("  set   a=1=2 ", {"a": "1=2"}),
    ],
)
def test_attributes_are_set_and_deleted(prompt, device, line, values):
    assert prompt.obey(line)
    assert device.shared_attributes == values
    assert prompt.obey("delete " + " ".join(values))
    assert not device.shared_attributes


@pytest.mark.parametrize(
    "text, params",
    [
        ('{"on": true}', {"on": True}),
        ("'{\"on\": true}'", {"on": True}),
        ('[1, "a b"]', [1, "a b"]),
        ('"text"', "text"),
        ("5", 5),
        ("", None),
    ],
)
def test_parameters_of_a_command_need_no_quotes(sim, prompt, monkeypatch, text, params):
    sent = []
    monkeypatch.setattr(sim, "rpc", lambda device, method, params: sent.append((method, params)))
    assert prompt.obey("rpc setLed " + text)
    assert sent == [("setLed", params)]


def test_a_reply_is_shown_as_it_is(sim, prompt, monkeypatch):
    monkeypatch.setattr(sim, "rpc", lambda *_: "[/red] [b]")
    assert prompt.obey("rpc x")
    assert shown(prompt) == "[/red] [b]\n"


def test_loss(sim, prompt):
    for text, share in (("50", 0.5), ("100%", 1), ("0", 0)):
        assert prompt.obey("loss " + text)
        assert sim.link.loss_up == sim.link.loss_down == share


def test_help_has_a_line_for_each_command(prompt):
    assert prompt.obey("help") and prompt.obey("") and not prompt.obey("quit")
    lines = help_text().splitlines()
    assert shown(prompt).splitlines() == lines
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    for name in set(COMMANDS) - {"quit"}:
        assert callable(getattr(prompt, "do_" + name))


def test_no_line_tells_what_a_provisioning_knows():
    for secret in (
        {"deviceName": "d", "provisionDeviceSecret": "hidden"},
        {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN", "credentialsValue": "hidden"},
        {"deviceName": "d", "credentialsType": "ACCESS_TOKEN", "token": "hidden"},
    ):
        message = Message(code=POST, payload=json.dumps(secret).encode(), _mtype=0)
        line = describe(message)
        assert "hidden" not in line and next(iter(secret)) in line
