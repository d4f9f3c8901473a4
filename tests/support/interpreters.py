"""The interpreters on which plain files run beside CPython: two ports of MicroPython.

The WebAssembly port, under node, is the oldest release that is promised, which stands in
tests/support/wasm/package.json. As boards it has 32-bit words, ints of 31 bits and ticks that wrap
at 2**30 ms. It has no sockets, and its heap grows, so it tells nothing about memory.

Each runs steps of Python that import from folders only, in an interpreter of its own, and returns
what was printed and the exit status.
"""

import functools
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from tools.unixport import ROOT, environment, micropython

# Test files are larger than firmware, and in a heap that is almost full most of the time goes into
# its garbage. Sizes on boards are measured by tools/measure.
HEAP = 2 << 20
TIMEOUT_S = 120
WASM = ROOT / "tests" / "support" / "wasm"


def unix(steps: Sequence[str], folders: Sequence[Path]) -> tuple[str, int]:
    """Run Python on the unix port. TimeoutExpired."""
    code = "\n".join(["import sys; sys.path.pop(0)", *steps])  # the current folder
    run = subprocess.run(
        [micropython(), "-X", f"heapsize={HEAP}", "-c", code],
        env=environment(*folders),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )
    return run.stdout, run.returncode


def wasm(steps: Sequence[str], folders: Sequence[Path]) -> tuple[str, int]:
    """Run Python on the WebAssembly port, if wasm_lacks() nothing."""
    return _node().run(["import stand_ins", *steps], [*folders, WASM / "device"])


@functools.cache
def wasm_lacks() -> str | None:
    """Return what is missing to run the WebAssembly port, None if nothing is."""
    if not shutil.which("node"):
        return "no node; on Debian: apt-get install nodejs npm"
    if not (WASM / "node_modules").is_dir():
        return f"run `npm ci --prefix {WASM.relative_to(ROOT)}`"
    return None


class Node:
    """A process of node, which starts again after it has died of a run."""

    def __init__(self):
        self._process = None

    def run(self, steps: Sequence[str], folders: Sequence[Path]) -> tuple[str, int]:
        if self._process is None:
            self._start()
        process = self._process
        late = threading.Timer(TIMEOUT_S, process.kill)
        late.start()
        try:
            request = {"steps": steps, "folders": [str(folder) for folder in folders]}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            late.cancel()
        if answer:
            answer = json.loads(answer)
            return answer["output"], answer["status"]
        self._process = None
        status = process.wait()
        self._errors.seek(0)
        return self._errors.read(), status

    def _start(self):
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            ["node", str(WASM / "launcher.mjs"), str(HEAP)],
            stdin=subprocess.PIPE,  # its end is that of the process
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )


_node = functools.cache(Node)
