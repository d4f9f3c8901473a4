"""Which parts of tbsim may import which (tools/tbsim/README.md)."""

import ast
from pathlib import Path

import pytest

from tools.unixport import ROOT

TBSIM = ROOT / "tools" / "tbsim"
# room or module: what it may import of tbsim, besides itself
MAY_IMPORT = {
    "switches": set(),
    "events": set(),
    "wire": {"switches"},
    "model": set(),
    "api": {"wire", "model", "switches"},
    "simulator": {"api", "events", "model", "switches", "wire"},
    "prompt": {"model", "simulator"},
    "decoded": {"model"},
    "web": {"api", "decoded", "events", "model", "simulator"},
    "banner": set(),
    "secured": {"banner", "simulator"},
    "cli": {"banner", "decoded", "events", "prompt", "secured", "simulator", "web"},
    "__main__": {"cli"},
    "__init__": {"events", "model", "simulator", "switches"},
}
KNOW_COAP = {"wire", "api", "decoded", "events", "simulator"}
FILES = sorted(TBSIM.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(TBSIM).with_suffix(""))


def imported(source: str, depth: int) -> set[str]:
    """Return what a file imports, by first names; parts of tbsim as ".part". depth: of its folder
    below tbsim.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
            found |= {absolute(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {"." + name.split(".")[0] for name in names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module.split(".")[0]}
            found |= {absolute(f"{node.module}.{alias.name}") for alias in node.names}
    return found - {""}


def absolute(name: str) -> str:
    parts = name.split(".")
    return "." + parts[2] if parts[:2] == ["tools", "tbsim"] and len(parts) > 2 else ""


def faults(room: str, source: str, depth: int) -> list[str]:
    names = imported(source, depth)
    allowed = {"." + part for part in MAY_IMPORT[room] | {room}}
    found = [f"imports {name}" for name in names if name[0] == "." and name not in allowed]
    if "aiocoap" in names and room not in KNOW_COAP:
        found.append("imports aiocoap")
    return found


def test_the_rules_see_a_fault():
    assert faults("wire", "from ..model.store import Store", 1)
    assert faults("wire", "from .. import api", 1)
    assert faults("wire", "def f():\n    from tools.tbsim.api import ota", 1)
    assert faults("wire", "from tools.tbsim import model", 1)
    assert faults("model", "import aiocoap.numbers", 1)
    assert faults("model", "from aiocoap import Message", 1)
    assert faults("model", "import tools.tbsim.wire.codec", 1)
    assert faults("api", "from ..simulator import Simulator", 1)
    assert faults("events", "from .wire.codec import decode", 0)
    assert not faults("api", "from ..wire.codec import answer\nfrom .sleep import Sleep", 1)
    assert not faults("model", "import json\nfrom .errors import BadRequest", 1)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports(path):
    parts = path.relative_to(TBSIM).with_suffix("").parts
    assert faults(parts[0], path.read_text(), len(parts) - 1) == []


def test_each_room_is_there():
    parts = {path.relative_to(TBSIM).with_suffix("").parts[0] for path in FILES}
    assert parts == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_each_file_is_short(path):
    assert len(path.read_text().splitlines()) < 300
