"""Unit tests run on CPython and on MicroPython, from the same files."""

from tests.support.dual import DualFile


def pytest_pycollect_makemodule(module_path, parent):
    return DualFile.from_parent(parent, path=module_path)
