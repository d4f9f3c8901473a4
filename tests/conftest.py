import tempfile

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support.spread import Spread, slowest_first
from tools.package import keys

# What hypothesis remembers names files by their absolute paths: not in the checkout.
_home = tempfile.TemporaryDirectory()
set_hypothesis_home_dir(_home.name)


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """A key that signs packages: making one takes up to a second."""
    return keys.create(tmp_path_factory.mktemp("key") / "key.pem")


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # a process of pytest-xdist
        slowest_first(items)


def pytest_xdist_make_scheduler(config, log):
    return Spread(config, log)
