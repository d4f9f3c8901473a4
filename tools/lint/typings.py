"""What typings/ says otherwise than the libraries: names, parameters, defaults, by mypy.stubtest.

What is public stands in a stub, all else in typings/internal.txt. stubtest imports the libraries,
so it runs in a process that has what they expect of MicroPython.
"""

import os
import subprocess
import sys
import tempfile

from tools.unixport import ROOT

TYPINGS = ROOT / "typings"
PACKAGES = ["coap", "thingsboard", "abupdate", "trial"]
ADVICE = "put it right in typings/, or list it in typings/internal.txt"

STUBTEST = """
import sys
from mypy import stubtest
from tests.support.dual import prepare_cpython
from tools.unixport import ROOT

prepare_cpython(ROOT / "firmware")
sys.exit(stubtest.test_stubs(stubtest.parse_options(sys.argv[1:])))
"""


def faults() -> list[str]:
    """Return one line for each name that is not as the code has it."""
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as settings:
        settings.write("[mypy]\n")  # not those of pyproject.toml, which find the sources
        settings.flush()
        options = ["--concise", "--mypy-config-file", settings.name]
        options += ["--allowlist", TYPINGS / "internal.txt"]
        run = subprocess.run(
            [sys.executable, "-c", STUBTEST, *options, *PACKAGES],
            cwd=ROOT,
            env={**os.environ, "MYPYPATH": str(TYPINGS), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    if run.returncode and not run.stdout:
        raise SystemExit(f"lint: stubtest failed:\n{run.stderr}")
    return [f"typings: {line}: {ADVICE}" for line in run.stdout.splitlines()]
