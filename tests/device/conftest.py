"""Tests that need real sockets and the unix port's asyncio: on MicroPython only."""

from tests.support.dual import DualFile


def pytest_pycollect_makemodule(module_path, parent):
    return DualFile.from_parent(parent, path=module_path)
