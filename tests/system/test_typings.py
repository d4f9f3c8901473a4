"""typings/ says what the libraries have: no more, no less, and what their users need."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.lint import typings
from tools.lint.typings import TYPINGS
from tools.unixport import BUILD, LIBRARIES, ROOT

STUBS = BUILD / "stubs" / "esp32"  # any board has what the examples need

# Each line is a mistake, and what mypy says of it. client and device are there.
MISTAKES = {
    'await coap.connect("host", prot=1)': 'Unexpected keyword argument "prot"',
    "await client.get(5)": 'Argument 1 to "get" of "Client"',
    '(await client.get("a")).text': '"Message" has no attribute "text"',
    "client.observe('a', sink=print)": 'Unexpected keyword argument "sink"',
    'device.record("temperature")': 'Argument 1 to "record" of "Device"',
    'device.on_rpc("f", lambda: {})': 'Argument 2 to "on_rpc" of "Device"',
    "await thingsboard.run(client)": 'Argument 1 to "run"',
    "await thingsboard.provision(client, 'key')": "Missing positional argument",
    'thingsboard.Updater(device, {"fw": 1}, b"", print)': "Dict entry 0 has incompatible type",
    "device.outbox.droped": '"Outbox" has no attribute "droped"',
    "trial.Trial(os).confirm()": "Missing positional argument",
    "AppSlot(trial.Trial(os)).finish()": 'Missing positional argument "board"',
}
HEAD = """import os
import coap
import thingsboard
import trial
from abupdate.app_slot import AppSlot

async def main(client: coap.Client, device: thingsboard.Device) -> None:
"""


def mypy(*files: Path) -> list[str]:
    """Return the lines of mypy about files whose libraries are those of typings/."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--custom-typeshed-dir", STUBS]
        + ["--cache-dir", BUILD / "mypy" / "typings", *files],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": f"{TYPINGS}:{STUBS}"},
        capture_output=True,
        text=True,
    )
    assert run.returncode < 2, run.stdout + run.stderr
    return run.stdout.splitlines()


def test_each_name_and_signature_is_that_of_the_code():
    assert typings.faults() == []


def test_what_the_stubs_lack_or_have_otherwise_is_told(tmp_path, monkeypatch):
    changed = shutil.copytree(TYPINGS, tmp_path / "typings")
    stub = changed / "coap" / "client.pyi"
    text = stub.read_text().replace(
        "ping(self, timeout_ms: int = 9", "ping(self, timeout_ms: int = 8"
    )
    stub.write_text(text.replace("    def reconnect(self) -> None: ...\n", ""))
    with (changed / "internal.txt").open("a") as internal:
        internal.write("coap.no_such_name\n")
    monkeypatch.setattr(typings, "TYPINGS", changed)
    faults = typings.faults()
    assert len(faults) == 3 and all(line.endswith("typings/internal.txt") for line in faults)
    assert 'ping is inconsistent, runtime parameter "timeout_ms" has a default' in faults[0]
    assert "coap.client.Client.reconnect is not present in stub" in faults[1]
    assert "coap.no_such_name" in faults[2]


def classes(path: Path) -> dict[str, ast.ClassDef]:
    return {
        node.name: node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


def assigned(node: ast.ClassDef) -> set[str]:
    """Return the names that a class gives its instances: `name = ..` and `self.name = ..`."""
    names = set()
    for item in node.body:
        if isinstance(item, ast.Assign):
            names |= {part.id for part in ast.walk(item) if isinstance(part, ast.Name)}
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            if isinstance(part.value, ast.Name) and part.value.id == "self":
                names.add(part.attr)
    return names


@pytest.mark.parametrize("stub", sorted(TYPINGS.rglob("*.pyi")), ids=lambda path: path.stem)
def test_each_attribute_is_set_by_the_code(stub):
    # stubtest sees classes only, not what __init__() gives an instance.
    name = stub.relative_to(TYPINGS).with_suffix(".py")
    (source,) = [folder / name for folder in LIBRARIES if (folder / name).exists()]
    code = classes(source)
    for node in classes(stub).values():
        if node.name in code:
            declared = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
            assert declared <= assigned(code[node.name]), node.name


def test_examples_firmware_and_readme_fit(tmp_path):
    (block,) = re.findall(r"```python\n(import .*?)```", (ROOT / "README.md").read_text(), re.S)
    readme = tmp_path / "readme.py"
    readme.write_text(block)
    examples = sorted((ROOT / "examples").glob("*.py"))
    assert len(examples) > 9
    assert mypy(readme, ROOT / "firmware", *examples) == []


def test_mistakes_are_found(tmp_path):
    path = tmp_path / "mistakes.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in MISTAKES))
    first = HEAD.count("\n") + 1
    found = {int(line.split(":")[1]) - first: line for line in mypy(path) if ": error:" in line}
    for number, wanted in enumerate(MISTAKES.values()):
        assert wanted in found.get(number, ""), list(MISTAKES)[number]
