"""What an author of plain tests sees when one fails: on each interpreter, row by row."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.dual import UNIT
from tests.support.interpreters import wasm_lacks
from tools.unixport import ROOT

FILES = {
    "helper.py": """
def check(value, wanted):
    assert not wanted or value == wanted
""",
    "test_shown.py": """
import asyncio
from helper import check

def halves(n):
    return [n // 2, n - n // 2]

def test_compare():
    left, _ = halves(7)
    assert left < 4
    assert (
        halves(7)
        == [left] * 2
    ), "why"

def test_helper():
    check(b"is", b"should be")

def test_coroutine():
    async def answer():
        return 41

    async def main():
        wanted = 42
        assert (await answer()) == wanted

    asyncio.run(main())

def test_quiet():
    print("nothing to see")

def test_warned():
    assert b"text" != "text"

def test_loud():
    print("a hint")
    {}["missing"]
""",
    "test_rows.py": """
from rows import rows

@rows((1, 2), (2, 5), eight=(8, 16), nine=(9, 17))
def test_twice(n, twice):
    assert 2 * n == twice

@rows(b"\\x01", "1", 1, None, [], int, "\\n")
def test_single(value):
    assert value != 1

@rows("same", "same", "", ("", ""))
def test_ids(*values):
    assert values
""",
    "test_dies.py": """
import sys

def test_dies():
    if sys.implementation.name == "micropython":
        sys.exit(3)
""",
    "device/test_device.py": """
import sys
from rows import rows

@rows(1, 2)
def test_device(n):
    assert sys.implementation.name == "micropython" and n < 3
""",
    "test_bad_no_row.py": "from rows import rows\n@rows()\ndef test_x(n): pass",
    "test_bad_empty.py": "from rows import rows\n@rows(*[])\ndef test_x(n): pass",
    "test_bad_import.py": "import nowhere\ndef test_x(): pass",
    "test_bad_none.py": "def helper(): pass",
    "test_bad_async.py": "async def test_x(): pass\ndef test_y(): pass",
    "test_bad_twice.py": "def test_x(): pass\ndef test_x(): pass",
}
WASM = [] if wasm_lacks() else ["wasm"]
EACH = pytest.mark.parametrize("interpreter", ["cpython", "micropython", *WASM])


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """What pytest says of these files, collected as those of tests/unit are."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "conftest.py").write_text((UNIT / "conftest.py").read_text())
    for name, source in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    command = [sys.executable, "-m", "pytest", "-v", "--continue-on-collection-errors"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def failures(output):
    """What is said of each test or file that failed."""
    parts = re.split(r"^_+ (.+?) _+$", output.partition("short test summary")[0], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@EACH
def test_a_failed_compare_shows_both_sides(failures, interpreter):
    shown = failures[f"test_compare[{interpreter}]"]
    assert "AssertionError: why" in shown and ">       assert (" in shown
    if interpreter == "cpython":
        assert "assert [3, 4] == [3, 3]" in shown
    else:
        assert re.search(r'test_shown.py", line 1[1-4], in test_compare', shown)  # of the assert
        assert shown.endswith("E   halves(7) = [3, 4]\nE   [left] * 2 = [3, 3]\n")


@EACH
def test_what_a_helper_compares_is_shown(failures, interpreter):
    shown = failures[f"test_helper[{interpreter}]"]
    if interpreter == "cpython":
        assert "b'is' == b'should be'" in shown
    else:
        assert "E   value = b'is'\nE   wanted = b'should be'\n" in shown


@EACH
def test_what_a_coroutine_compares_is_shown(failures, interpreter):
    shown = failures[f"test_coroutine[{interpreter}]"]
    if interpreter == "cpython":
        assert "assert 41 == 42" in shown and "run_until_complete" not in shown
    else:
        assert "E   await answer() = 41\nE   wanted = 42\n" in shown


@EACH
def test_what_a_failed_test_raised_and_printed_is_shown(failures, interpreter):
    shown = failures[f"test_loud[{interpreter}]"]
    assert '{}["missing"]' in shown and "KeyError" in shown
    assert "Captured stdout call" in shown and "a hint" in shown
    assert not any("nothing to see" in text for text in failures.values())


@EACH
def test_each_row_is_an_item(output, interpreter):
    outcomes = set(re.findall(rf"::(\w+)\[{interpreter}-(.+)\] (\w+) ", output))
    assert {row for row in outcomes if row[0] in ("test_twice", "test_single", "test_ids")} == {
        ("test_twice", "1-2", "PASSED"),
        ("test_twice", "2-5", "FAILED"),
        ("test_twice", "eight", "PASSED"),
        ("test_twice", "nine", "FAILED"),
        ("test_single", "01", "PASSED"),
        ("test_single", "1", "PASSED"),
        ("test_single", "1#2", "FAILED"),
        ("test_single", "None", "PASSED"),
        ("test_single", "list", "PASSED"),
        ("test_single", "int", "PASSED"),
        ("test_single", "?", "PASSED"),
        ("test_ids", "same", "PASSED"),
        ("test_ids", "same#2", "PASSED"),
        ("test_ids", "empty", "PASSED"),
        ("test_ids", "-", "PASSED"),
    }


@EACH
def test_a_failing_row_names_itself(failures, interpreter):
    shown = failures[f"test_twice[{interpreter}-2-5]"]
    assert "Captured row call" in shown and "(2, 5)" in shown


def test_rows_are_found_where_only_micropython_can_import(output):
    assert re.findall(r"::test_device(\[.+\]) PASSED", output) == [
        "[micropython-1]",
        "[micropython-2]",
    ]


@pytest.mark.parametrize(
    "name, why",
    [
        ("no_row", "ValueError: a test with rows needs at least one"),
        ("empty", "ValueError: a test with rows needs at least one"),
        ("import", "No module named 'nowhere'"),
        ("none", "test_bad_none.py defines no tests"),
        ("async", "a test is async, a class or defined twice"),
        ("twice", "a test is async, a class or defined twice"),
    ],
)
def test_a_file_that_would_lose_tests_is_an_error(failures, name, why):
    assert why in failures[f"ERROR collecting test_bad_{name}.py"]


@pytest.mark.parametrize("interpreter", ["micropython", *WASM])
def test_an_interpreter_that_dies_fails_what_did_not_run(failures, interpreter):
    shown = failures[f"test_dies[{interpreter}]"]
    assert "the interpreter ended before this test:" in shown and "exit 3" in shown


def test_a_warning_of_micropython_fails_a_test(output, failures):
    assert "test_warned[cpython] PASSED" in output
    assert "MicroPython warned:\nWarning: Comparison" in failures["test_warned[micropython]"]
