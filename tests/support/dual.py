"""Collects each `def test_x()` of a plain file twice: on CPython and on the unix port.

On MicroPython a file runs once, in one process with a board-like heap; each test is reported by
itself.
"""

import ast
import asyncio
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.unixport import LIBRARIES, ROOT, environment, micropython

RUNNER = Path(__file__).with_name("runner.py")
SHIMS = ROOT / "tests" / "support" / "shims"
HEAP = "1M"  # test files are larger than firmware; sizes on boards are measured by tools/size.py
TIMEOUT_S = 120


class Failed(Exception):
    """A test failed on MicroPython; holds its traceback."""


class DualFile(pytest.File):
    def collect(self):
        tree = ast.parse(self.path.read_text())
        names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
        names = [name for name in names if name.startswith("test_")]
        if not names:
            raise self.CollectError(f"{self.path.name} defines no tests")
        if self.path.parent.name != "device":
            for name in names:
                yield CPythonItem.from_parent(self, name=f"{name}[cpython]", function=name)
        for name in names:
            yield MicroPythonItem.from_parent(self, name=f"{name}[micropython]", function=name)

    def module(self):
        if not hasattr(self, "_module"):
            prepare_cpython(self.path.parent)
            spec = importlib.util.spec_from_file_location(f"unit_{self.path.stem}", self.path)
            self._module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self._module)
        return self._module

    def results(self):
        # {test: traceback, "" if it passed} of the one run on MicroPython.
        if not hasattr(self, "_results"):
            command = [micropython(), "-X", f"heapsize={HEAP}", str(RUNNER), self.path.stem]
            run = subprocess.run(
                command,
                env=environment(*LIBRARIES, self.path.parent),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
            )
            self._results = {}
            for line in run.stdout.splitlines():
                if line.startswith("RESULT "):
                    self._results.update(json.loads(line[7:]))
            self._output = run.stdout + run.stderr + f"exit {run.returncode}"
        return self._results, self._output


class Item(pytest.Item):
    def __init__(self, *, function, **kwargs):
        super().__init__(**kwargs)
        self.function_name = function

    def reportinfo(self):
        return self.path, None, self.name


class CPythonItem(Item):
    def runtest(self):
        getattr(self.parent.module(), self.function_name)()


class MicroPythonItem(Item):
    def runtest(self):
        results, output = self.parent.results()
        if self.function_name not in results:
            raise Failed(f"the interpreter ended before this test:\n{output}")
        if results[self.function_name]:
            raise Failed(results[self.function_name])

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def prepare_cpython(folder: Path) -> None:
    """Give CPython what device code expects of MicroPython: modules, wrapping ticks, sleep_ms."""
    for path in (folder, SHIMS, *LIBRARIES):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    if not hasattr(time, "ticks_ms"):
        period = 1 << 30
        time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000 % period
        time.ticks_diff = lambda a, b: (a - b + period // 2) % period - period // 2
        time.ticks_add = lambda a, b: (a + b) % period
        asyncio.sleep_ms = lambda ms: asyncio.sleep(ms / 1000)
        asyncio.wait_for_ms = lambda task, ms: asyncio.wait_for(task, ms / 1000)
