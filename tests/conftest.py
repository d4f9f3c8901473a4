import pytest

from tests.support.interpreters import wasm_lacks
from tests.support.spread import Spread, slowest_first
from tools.package import keys


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """A key that signs packages: making one takes up to a second."""
    return keys.create(tmp_path_factory.mktemp("key") / "key.pem")


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # a process of pytest-xdist
        slowest_first(items)


def pytest_xdist_make_scheduler(config, log):
    return Spread(config, log)


def pytest_terminal_summary(terminalreporter):
    if why := wasm_lacks():
        terminalreporter.write_line(
            f"tests/unit did not run on MicroPython's WebAssembly port: {why}"
        )
