"""Collects each `def test_x()` of a plain file twice: on CPython and on the unix port.

A test with rows (tests/unit/rows.py) is one item a row. On MicroPython a file runs once, in one
process with a board-like heap; each test is reported by itself. A failed assert shows what it
compared: on CPython by pytest's rewriting, on MicroPython by asserts.py. What a test prints on
MicroPython is shown when it fails.
"""

import ast
import asyncio
import functools
import importlib
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from tests.support.asserts import Copies
from tests.unit.rows import cases
from tools.unixport import LIBRARIES, ROOT, environment, micropython

RUNNER = Path(__file__).with_name("runner.py")
SHIMS = ROOT / "tests" / "support" / "shims"
UNIT = ROOT / "tests" / "unit"  # its helpers are for all plain files
FIRMWARE = ROOT / "firmware"  # last on the path: its names are common words
HEAP = "1M"  # test files are larger than firmware; sizes on boards are measured by tools/measure
TIMEOUT_S = 120


class Failed(Exception):
    """A test failed on MicroPython; says why."""


class DualFile(pytest.File):
    def collect(self):
        names = self.names()
        if self.path.parent.name == "device":
            ids = self.listed()
        else:
            module = self.module()
            ids = {name: [id for id, _ in cases(getattr(module, name))] for name in names}
            yield from self.items(CPythonItem, "cpython", ids)
        yield from self.items(MicroPythonItem, "micropython", {name: ids[name] for name in names})

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

    def items(self, kind, interpreter, ids):
        for test, case_ids in ids.items():
            for case, id in enumerate(case_ids):
                name = f"{test}[{interpreter}{id and '-'}{id}]"
                yield kind.from_parent(self, name=name, test=test, case=case)

    def module(self):
        prepare_cpython(self.path.parent)
        return importlib.import_module(self.path.stem)

    def listed(self):
        # {test: [id of each case]}, as MicroPython sees them.
        results, output = self.on_micropython("list")
        if not results:
            raise self.CollectError(output)
        return results[0]

    @functools.cached_property
    def results(self):
        # Results by (test, case) of the one run on MicroPython, and the whole output.
        results, output = self.on_micropython("run")
        return {(result["test"], result["case"]): result for result in results}, output

    def on_micropython(self, verb):
        # What runner.py says, with "printed" before each; and the whole output.
        run = subprocess.run(
            [micropython(), "-X", f"heapsize={HEAP}", str(RUNNER), verb, self.path.stem],
            env=environment(*LIBRARIES, copies(self.path.parent).folder, FIRMWARE),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        results, printed = [], ""
        for line in run.stdout.splitlines(keepends=True):
            if line.startswith("RESULT "):
                results.append({**json.loads(line[7:]), "printed": printed})
                printed = ""
            else:
                printed += line
        return results, f"{run.stdout}{run.stderr}exit {run.returncode}"


class Item(pytest.Item):
    def __init__(self, *, test, case, **kwargs):
        super().__init__(**kwargs)
        self.test, self.case = test, case

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
        results, output = self.parent.results
        if (self.test, self.case) not in results:
            said = copies(self.path.parent).explained(output, {})
            raise Failed(f"the interpreter ended before this test:\n{said}")
        result = results[self.test, self.case]
        if "error" in result:
            if result["row"] != "()":
                self.add_report_section("call", "row", result["row"])
            if result["printed"]:
                self.add_report_section("call", "stdout", result["printed"])
            raise Failed(copies(self.path.parent).explained(result["error"], result["seen"]))

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


@functools.cache
def copies(folder: Path) -> Copies:
    """Return the copies that run on MicroPython: of a folder of plain files and of its helpers."""
    return Copies(*dict.fromkeys([UNIT, folder]))


@functools.cache
def prepare_cpython(folder: Path) -> None:
    """Give CPython what device code expects of MicroPython: modules, wrapping ticks, sleep_ms."""
    for path in (FIRMWARE, UNIT, folder, SHIMS, *LIBRARIES):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    for path in (UNIT, folder):  # not only the test files: helpers too
        names = {file.stem for file in path.glob("*.py")}
        pytest.register_assert_rewrite(*sorted(names.difference(sys.modules)))
    if not hasattr(time, "ticks_ms"):
        period = 1 << 30
        time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000 % period
        time.ticks_diff = lambda a, b: (a - b + period // 2) % period - period // 2
        time.ticks_add = lambda a, b: (a + b) % period
        sleep = asyncio.sleep  # world.py has another one meanwhile
        asyncio.sleep_ms = lambda ms: sleep(ms / 1000)
        asyncio.wait_for_ms = lambda task, ms: asyncio.wait_for(task, ms / 1000)
        sys.print_exception = print_exception


def print_exception(error: BaseException, file) -> None:
    """Print as MicroPython does: without the lines of the source."""
    print("Traceback (most recent call last):", file=file)
    for frame in traceback.extract_tb(error.__traceback__):
        print(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}', file=file)
    print(*traceback.format_exception_only(error), sep="", end="", file=file)
