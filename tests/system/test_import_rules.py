"""Who may import what, and what device code must not contain (docs/architecture.md, section 1)."""

import ast

import pytest

from tests.support.files import named, python_files
from tools.unixport import ROOT, mpy_cross

LIBRARY = list(python_files(ROOT / "lib"))
EXAMPLES = list(python_files(ROOT / "examples"))
FIRMWARE = python_files(ROOT / "firmware")

OURS = {"coap", "thingsboard", "abupdate", "tools", "boards", "tests"}
OURS |= {path.relative_to(ROOT / "firmware").parts[0].removesuffix(".py") for path in FIRMWARE}
MAY_IMPORT = {"coap": set(), "abupdate": set(), "thingsboard": {"coap", "abupdate"}}
SANS_IO = {"message", "matching", "pace", "endpoint", "block", "download", "dns"}
SANS_IO |= {"header", "image", "link", "outbox", "attributes", "json_members"}
SANS_IO |= {"payload_json", "assignment", "url"}
IO = {"socket", "time", "os", "asyncio", "select", "machine", "network", "vfs", "sys"}

WITH_CODE = {"examples", "firmware", "lib", "tests", "tools"}
MADE = {"board", "build"}  # by the tools


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
            allowed = {"Fit", "supervise", "download"}
            if part is None or not (part.isupper() or part.endswith("Error") or part in allowed):
                faults.append(f"imports {part or name}: coap's errors, numbers and {allowed} only")
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


@pytest.mark.parametrize(
    "module, source, fault",
    [
        ("coap.message", "import thingsboard", "imports thingsboard"),
        (
            "coap.message",
            "def f():\n    from time import ticks_ms",
            "is sans-I/O but imports time",
        ),
        ("coap.client", "import settings", "imports settings"),
        ("coap.client", "import asyncio\nfrom .message import Message", ""),
        ("thingsboard.device", "from coap import Client", "imports Client"),
        ("thingsboard.device", "from coap import GET, ResponseError", ""),
        ("coap.client", "print(1)", "line 1: print"),
        ("coap.client", "try:\n    f()\nexcept:\n    pass", "line 3: bare except"),
        ("coap.client", "try:\n    f()\nexcept OSError:\n    pass", ""),
        ("coap.client", "assert x", "line 1: assert"),
    ],
)
def test_the_rules_see_a_fault(module, source, fault):
    found = import_faults(*module.split("."), source) + code_faults(source)
    assert len(found) == bool(fault) and "".join(found).startswith(fault)


@pytest.mark.parametrize(
    "source, asks",
    [
        ("import sys\nif sys.platform == 'rp2':\n    pass", True),
        ("from sys import implementation", True),
        ("os.uname()", True),
        ("from board import board\nif board.port == 'rp2':\n    pass", False),
    ],
)
def test_the_rule_of_boards_sees_a_fault(source, asks):
    assert (board_faults(source) != []) == asks


def test_the_sans_io_modules_exist():
    assert SANS_IO <= {path.stem for path in LIBRARY}


@pytest.mark.parametrize("path", LIBRARY, ids=named)
def test_library(path):
    source = path.read_text()
    package = path.relative_to(ROOT / "lib").parts[0]
    assert import_faults(package, path.stem, source) + code_faults(source) == []


@pytest.mark.parametrize("path", LIBRARY + FIRMWARE + EXAMPLES, ids=named)
def test_compiles(path, tmp_path):
    mpy_cross(path, tmp_path / "out.mpy")


def test_code_is_in_these_folders_only():
    """Boards and documents, above all, are data; a manifest is what MicroPython's build reads."""
    folders = {path for path in ROOT.iterdir() if path.is_dir() and path.name not in MADE}
    folders = {path for path in folders if not path.name.startswith(".")}
    code = {path for folder in folders for path in folder.rglob("*.py")}
    code = {path for path in code if path.name != "manifest.py"}
    assert {path.relative_to(ROOT).parts[0] for path in code} == WITH_CODE
    assert list(ROOT.glob("*.py")) == []


@pytest.mark.parametrize("path", FIRMWARE, ids=named)
def test_only_one_file_asks_which_board_it_is(path):
    asks = board_faults(path.read_text()) != []
    assert asks == (path == ROOT / "firmware" / "board.py")
