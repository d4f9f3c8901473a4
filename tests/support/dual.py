"""Collects each `def test_x()` of a plain file for each interpreter that it runs on.

tests/unit runs on CPython, on MicroPython's unix port and, where node is, on its WebAssembly port;
tests/device on the unix port alone. A test with rows (tests/unit/rows.py) is one item a row. On
MicroPython a file runs once, in an interpreter of its own; each test is reported by itself. A
failed assert shows what it compared: on CPython by pytest's rewriting, on MicroPython by
asserts.py. What a test prints on MicroPython is shown when it fails.
"""

import ast
import functools
import importlib
import json
import sys
from pathlib import Path

import pytest

from tests.support.asserts import Copies
from tests.support.interpreters import unix, wasm, wasm_lacks
from tests.unit.rows import cases
from tools import cpython
from tools.unixport import LIBRARIES, ROOT

RUNNER = ROOT / "tests" / "support" / "device"
SHIMS = ROOT / "tests" / "support" / "shims"
UNIT = ROOT / "tests" / "unit"  # its helpers are for all plain files
PATHS = ROOT / "tools" / "measure" / "windows" / "device"  # downloads over a path, chance
FIRMWARE = ROOT / "firmware"  # last on the path: its names are common words
INTERPRETERS = {"micropython": unix, "wasm": wasm}
WARNING = "Warning: Comparison between bytes and str"  # which are never equal


class Failed(Exception):
    """A test failed on MicroPython; says why."""


class DualFile(pytest.File):
    def collect(self):
        names = self.names()
        if self.path.parent.name == "device":
            listed = self.listed()
            yield from self.items("micropython", {name: listed[name] for name in names})
            return
        module = self.module()
        ids = {name: [id for id, _ in cases(getattr(module, name))] for name in names}
        yield from self.items("cpython", ids)
        yield from self.items("micropython", ids)
        if not wasm_lacks():
            yield from self.items("wasm", ids)

    def names(self):
        # The tests in the order of the file; CollectError for what would never run.
        body = ast.parse(self.path.read_text()).body
        tests = [node for node in body if getattr(node, "name", "").startswith("test_")]
        names = [node.name for node in tests if isinstance(node, ast.FunctionDef)]
        if not names:
            raise self.CollectError(f"{self.path.name} defines no tests")
        if len(set(names)) != len(tests):
            raise self.CollectError(f"{self.path.name}: a test is async, a class or defined twice")
        return names

    def items(self, interpreter, ids):
        kind = CPythonItem if interpreter == "cpython" else MicroPythonItem
        for test, case_ids in ids.items():
            for case, id in enumerate(case_ids):
                name = f"{test}[{interpreter}{id and '-'}{id}]"
                yield kind.from_parent(
                    self, name=name, interpreter=interpreter, test=test, case=case
                )

    def module(self):
        prepare_cpython(self.path.parent)
        return importlib.import_module(self.path.stem)

    def listed(self):
        # {test: [id of each case]}, as MicroPython sees them.
        results, output = self.on("micropython", [f"runner.list_cases({self.path.stem!r})"])
        if not results:
            raise self.CollectError(output)
        return results[0]

    def on(self, interpreter, steps):
        # What runner.py says, with "printed" before each; and the whole output.
        folders = [*LIBRARIES, copies(self.path.parent).folder, RUNNER, FIRMWARE]
        output, status = INTERPRETERS[interpreter](["import runner", *steps], folders)
        results, printed = [], ""
        for line in output.splitlines(keepends=True):
            if line.startswith("RESULT "):
                results.append({**json.loads(line[7:]), "printed": printed})
                printed = ""
            else:
                printed += line
        return results, f"{output}exit {status}"


class Item(pytest.Item):
    def __init__(self, *, interpreter, test, case, **kwargs):
        super().__init__(**kwargs)
        self.interpreter, self.test, self.case = interpreter, test, case

    def reportinfo(self):
        return self.path, None, self.name


class CPythonItem(Item):
    def runtest(self):
        test = getattr(self.parent.module(), self.test)
        _, arguments = cases(test)[self.case]
        try:
            test(*arguments)
        except Exception:
            if arguments:
                self.add_report_section("call", "row", repr(arguments))
            raise

    def _traceback_filter(self, excinfo):
        # Only what the test and the code under test did: not what called them.
        def is_of_test(entry):
            path = Path(entry.path)
            return path.name not in ("dual.py", "rows.py") and "asyncio" not in path.parts

        return excinfo.traceback.cut(path=Path(__file__)).filter(is_of_test)


class MicroPythonItem(Item):
    def runtest(self):
        by_case, output = results(self.parent, self.interpreter)
        if (self.test, self.case) not in by_case:
            said = copies(self.path.parent).explained(output, {})
            raise Failed(f"the interpreter ended before this test:\n{said}")
        result = by_case[self.test, self.case]
        if "error" in result:
            if result["row"] != "()":
                self.add_report_section("call", "row", result["row"])
            if result["printed"]:
                self.add_report_section("call", "stdout", result["printed"])
            raise Failed(copies(self.path.parent).explained(result["error"], result["seen"]))
        if WARNING in result["printed"]:
            raise Failed(f"MicroPython warned:\n{result['printed']}")

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


@functools.cache
def results(file: DualFile, interpreter: str) -> tuple[dict, str]:
    """Return the results by (test, case) of the file's one run, and the whole output."""
    steps = [f"runner.run_test({file.path.stem!r}, {name!r})" for name in file.names()]
    results, output = file.on(interpreter, steps)
    return {(result["test"], result["case"]): result for result in results}, output


@functools.cache
def copies(folder: Path) -> Copies:
    """Return the copies that run on MicroPython: of a folder of plain files and of its helpers."""
    return Copies(*dict.fromkeys([PATHS, UNIT, folder]))


@functools.cache
def prepare_cpython(folder: Path) -> None:
    """Let CPython import device code, the plain files of a folder and their helpers."""
    cpython.prepare()
    for path in (FIRMWARE, PATHS, UNIT, folder, SHIMS, *LIBRARIES):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    for path in (PATHS, UNIT, folder):  # not only the test files: helpers too
        names = {file.stem for file in path.glob("*.py")}
        pytest.register_assert_rewrite(*sorted(names.difference(sys.modules)))
