"""Board code that names what no board has.

mypy checks lib/ and firmware/ against the stubs of each board in build/stubs (pyproject.toml has
its settings). Where a stub is CPython's own, it knows more than boards do: absent_names() has what
boards do not have.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tools.unixport import BUILD, ROOT

STUBS = BUILD / "stubs"

# All that boards have of modules whose stubs are CPython's.
PRESENT = {
    "asyncio": "CancelledError Event Lock Loop StreamReader StreamWriter Task ThreadSafeFlag "
    "TimeoutError core create_task current_task gather get_event_loop new_event_loop "
    "open_connection run sleep sleep_ms start_server wait_for wait_for_ms",
    "collections": "OrderedDict deque namedtuple",
    "io": "BytesIO IOBase StringIO open",
    "json": "dump dumps load loads",
    "os": "VfsFat VfsLfs2 chdir dupterm getcwd ilistdir listdir mkdir mount remove rename rmdir "
    "sep stat statvfs sync umount uname unlink urandom",
    "re": "compile match search sub",
    "struct": "calcsize pack pack_into unpack unpack_from",
    "sys": "argv atexit byteorder exc_info exit implementation maxsize modules path platform "
    "print_exception ps1 ps2 settrace stderr stdin stdout version version_info",
}
PRESENT = {module: set(names.split()) for module, names in PRESENT.items()}

# Built-in names and methods of CPython that boards do not have. The exceptions matter most: in an
# `except` they fail only once something else has failed.
ABSENT = set(
    "BlockingIOError BrokenPipeError ConnectionAbortedError ConnectionError "
    "ConnectionRefusedError ConnectionResetError FileExistsError FileNotFoundError "
    "InterruptedError IsADirectoryError ModuleNotFoundError NotADirectoryError PermissionError "
    "RecursionError TimeoutError UnicodeDecodeError UnicodeEncodeError "
    "aiter anext ascii breakpoint format vars".split()
)
ABSENT_METHODS = set(
    "as_integer_ratio bit_count bit_length capitalize casefold expandtabs format_map "
    "isalnum isascii isdecimal isidentifier isnumeric isprintable istitle ljust maketrans "
    "removeprefix removesuffix rjust swapcase title translate zfill".split()
)


# Device code has no annotations, so a name's first value is no promise: what is None or () at
# first gets another value later. mypy takes it for a promise.
FIRST_VALUE = re.compile(r': error: "(?:None|tuple\[\(\)\])" has no attribute')


def is_board_code(path: Path) -> bool:
    """Return whether a file is run by a board; manifest.py is read by MicroPython's build."""
    folder = path.relative_to(ROOT).parts[0]
    return (
        folder in ("lib", "firmware", "examples")
        and path.suffix == ".py"
        and path.name != "manifest.py"
    )


def absent_names(name: str, source: str) -> list[str]:
    """Return one line for each name in a file that CPython has and boards do not have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        absent = []
        if isinstance(node, ast.Attribute):
            owner = module_of(node.value)
            if owner in PRESENT and node.attr not in PRESENT[owner]:
                absent = [f"{owner}.{node.attr}"]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ABSENT_METHODS:  # `x.title` may be a field of ours
                absent = [f".{node.func.attr}()"]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in PRESENT:
            names = {alias.name for alias in node.names} - PRESENT[node.module]
            absent = [f"{node.module}.{part}" for part in sorted(names)]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            absent = [node.id] if node.id in ABSENT else []
        found += [f"{name}:{node.lineno}: boards have no {part}" for part in absent]
    return found


def module_of(node: ast.expr) -> str | None:
    """Return the name under which a module is used: os of `os`, `trial.os` and `self._os`."""
    if isinstance(node, ast.Attribute):
        return node.attr.lstrip("_")
    return node.id if isinstance(node, ast.Name) else None


def boards() -> list[str]:
    """Return the boards whose stubs `make` has installed; SystemExit if there are none."""
    found = sorted(path.parent.name for path in STUBS.glob("*/ready"))
    if not found:
        raise SystemExit("lint: no stubs in build/stubs: run `make lint`")
    return found


def type_faults(boards: list[str], *files: Path) -> list[str]:
    """Return one line for each report of mypy on these files (all board code by default).

    A line that does not hold for all boards ends with those that it holds for.
    """
    runs = {board: start_mypy(board, files) for board in boards}
    reports: dict[str, list[str]] = {}
    for board, run in runs.items():
        output, errors = run.communicate()
        if run.returncode > 1:
            raise SystemExit(f"lint: mypy failed for {board}:\n{output}{errors}")
        for line in output.splitlines():
            if ": error: " in line and not FIRST_VALUE.search(line):
                reports.setdefault(line, []).append(board)
    return [
        line if on == boards else f"{line} (on {', '.join(on)})" for line, on in reports.items()
    ]


def start_mypy(board: str, files: tuple[Path, ...]) -> subprocess.Popen:
    stubs = STUBS / board
    options = ["--custom-typeshed-dir", stubs, "--cache-dir", BUILD / "mypy" / board]
    return subprocess.Popen(
        [sys.executable, "-m", "mypy", "--no-error-summary", *options, *files],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(stubs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
