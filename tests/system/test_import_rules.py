"""Who may import what, and what device code must not contain (docs/architecture.md, section 1)."""

import ast
from pathlib import Path

import pytest

from tools.unixport import ROOT, mpy_cross

OURS = {"coap", "thingsboard", "abupdate", "tools", "boards", "tests"}
OURS |= {path.stem for path in (ROOT / "firmware").glob("*") if path.stem != "README"}
MAY_IMPORT = {"coap": set(), "abupdate": set(), "thingsboard": {"coap", "abupdate"}}
SANS_IO = {"message", "endpoint", "observe", "block", "header", "image"}
IO = {"socket", "time", "os", "asyncio", "select", "machine", "network", "vfs", "sys"}

LIBRARY = sorted(p for p in (ROOT / "lib").rglob("*.py") if "examples" not in p.parts)
FIRMWARE = sorted((ROOT / "firmware").rglob("*.py"))
DEVICE = LIBRARY + FIRMWARE


def imports(tree: ast.AST) -> list[tuple[str, str | None]]:
    """Return (module, name or None) of each absolute import, wherever it stands."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.module.split(".")[0], alias.name) for alias in node.names]
    return found


def import_faults(package: str, module: str, source: str) -> list[str]:
    faults = []
    for name, part in imports(ast.parse(source)):
        if name in OURS - {package} - MAY_IMPORT[package]:
            faults.append(f"imports {name}")
        if name == "coap" and package == "thingsboard":
            if part is None or not (part.isupper() or part.endswith("Error")):
                faults.append(f"imports {part or name}: coap's errors and numbers only")
        if module in SANS_IO and name in IO:
            faults.append(f"is sans-I/O but imports {name}")
    return faults


def code_faults(source: str) -> list[str]:
    faults = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "print":
                faults.append(f"line {node.lineno}: print")
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            faults.append(f"line {node.lineno}: bare except")
        elif isinstance(node, ast.Assert):
            faults.append(f"line {node.lineno}: assert")
    return faults


def board_faults(source: str) -> list[str]:
    """Return where a file asks which board it runs on, which is the business of board.py."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [node.attr] if node.value.id in ("sys", "os") else []
        elif isinstance(node, ast.ImportFrom) and node.module in ("sys", "os"):
            names = [alias.name for alias in node.names]
        for name in {"platform", "implementation", "uname"} & set(names):
            faults.append(f"line {node.lineno}: {name}")
    return faults


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_rules_see_a_fault():
    assert import_faults("coap", "message", "import thingsboard")
    assert import_faults("coap", "message", "def f():\n    from time import ticks_ms")
    assert import_faults("coap", "client", "import settings")
    assert import_faults("thingsboard", "device", "from coap import Client")
    assert not import_faults("coap", "client", "import asyncio\nfrom .message import Message")
    assert not import_faults("thingsboard", "device", "from coap import GET, ResponseError")
    assert code_faults("print(1)")
    assert code_faults("try:\n    f()\nexcept:\n    pass")
    assert code_faults("assert x")
    assert not code_faults("try:\n    f()\nexcept OSError:\n    pass")
    assert board_faults("import sys\nif sys.platform == 'rp2':\n    pass")
    assert board_faults("from sys import implementation") and board_faults("os.uname()")
    assert not board_faults("from board import board\nif board.port == 'rp2':\n    pass")


def test_the_sans_io_modules_exist():
    assert SANS_IO <= {path.stem for path in LIBRARY}


@pytest.mark.parametrize("path", LIBRARY, ids=named)
def test_library(path):
    source = path.read_text()
    package = path.relative_to(ROOT / "lib").parts[0]
    assert import_faults(package, path.stem, source) + code_faults(source) == []


@pytest.mark.parametrize("path", DEVICE, ids=named)
def test_compiles(path, tmp_path):
    mpy_cross(path, tmp_path / "out.mpy")


@pytest.mark.parametrize("path", FIRMWARE, ids=named)
def test_only_one_file_asks_which_board_it_is(path):
    asks = board_faults(path.read_text()) != []
    assert asks == (path == ROOT / "firmware" / "board.py")


def test_boards_have_no_code():
    assert [named(path) for path in (ROOT / "boards").rglob("*.py")] == []
