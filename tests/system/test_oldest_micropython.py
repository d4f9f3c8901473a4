"""What boards get loads on the oldest MicroPython that is promised, as bytecode.

tests/unit runs the sources there.
"""

import json

import pytest

from tests.support.interpreters import WASM, wasm, wasm_lacks
from tools.board import stage
from tools.unixport import ROOT

PROMISES = ("README.md", "firmware/README.md", "lib/coap/README.md")

# Modules of boards; what is taken from them when a module is loaded may be anything.
LOAD = """
import sys

class Anything:
    def __getattr__(self, name):
        return Anything()

for name in ("machine", "network", "tls", "esp32", "rp2"):
    sys.modules[name] = Anything()
for name in %r:
    try:
        __import__(name)
        print(name)
    except Exception as error:
        print(name, repr(error))
"""


def release() -> str:
    (version,) = json.loads((WASM / "package.json").read_text())["dependencies"].values()
    return version


@pytest.mark.parametrize("name", PROMISES)
def test_documents_promise_what_is_tested(name):
    minor = release().rpartition(".")[0]
    assert f"MicroPython {minor} or newer" in " ".join((ROOT / name).read_text().split())


@pytest.mark.skipif(bool(wasm_lacks()), reason=str(wasm_lacks()))
def test_bytecode_loads(tmp_path):
    stage.stage(tmp_path)
    folders = [tmp_path, tmp_path / "factory"]
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for folder in folders
        for path in folder.rglob("*.mpy")
        if folder != tmp_path or path.parent == tmp_path
    }
    assert {"trial", "coap", "coap.client", "thingsboard.updater", "app.identity"} < modules
    output, status = wasm([LOAD % sorted(modules)], folders)
    assert output.split("\n") == [*sorted(modules), ""] and status == 0


@pytest.mark.skipif(bool(wasm_lacks()), reason=str(wasm_lacks()))
def test_the_interpreter_is_that_release():
    output, _ = wasm(["import sys; print('%d.%d.%d' % sys.implementation.version[:3])"], [])
    assert output.strip() == release()
