"""What must not be in any file: paths of one machine, unfinished work, more than one idea."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tools.unixport import ROOT

SKIPPED = {"build", "node_modules", "__pycache__"}  # and hidden folders, but for .ci
NO_PROSE = {"package-lock.json"}
MAX_LINES = 400  # one idea a file; a longer one holds two

# Spelled so that this file passes.
FORBIDDEN = {
    r"(?<![\w.])/(?:tmp|root|work|home)/": "a path of one machine",
    r"\b(?:TOD[O]|FIXM[E]|XX[X])\b": "unfinished work",
    r"(?i)\bthe pla[n]\b|\.\./share[d]\b|\bworktre[e]": "a reader of the project cannot see this",
}


def files(root: Path = ROOT) -> Iterator[Path]:
    """Yield every file of the project."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n == ".ci" or n[0] != "." and n not in SKIPPED)
        for name in sorted(names):
            if not name.endswith(".pyc") and name not in NO_PROSE and name != ".git":
                yield Path(folder, name)


def faults(name: str, text: str) -> list[str]:
    """Return one line for each thing that must not be in a file."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        for pattern, what in FORBIDDEN.items():
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {what}: {line.strip()}")
    if name.endswith(".py") and len(lines) >= MAX_LINES:
        found.append(f"{name}: {len(lines)} lines")
    return found
