"""Files of the project that a test is about."""

from pathlib import Path

from tools.unixport import ROOT


def python_files(folder: Path) -> list[Path]:
    """Return all Python files below a folder, sorted; AssertionError if there are none."""
    found = sorted(folder.rglob("*.py"))
    assert found, f"no Python files in {folder}"
    return found


def named(path: Path) -> str:
    """Return what a file is called in the project."""
    return str(path.relative_to(ROOT))
