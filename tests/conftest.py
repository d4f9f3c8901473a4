import tempfile

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tools.package import keys

# Helpers too show what a failed assert compared.
pytest.register_assert_rewrite("tests.support", "tests.system", "tests.power", "tests.interop")

# What hypothesis remembers names files by their absolute paths: not in the checkout.
_home = tempfile.TemporaryDirectory()
set_hypothesis_home_dir(_home.name)


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """A key that signs packages: making one takes up to a second."""
    return keys.create(tmp_path_factory.mktemp("key") / "key.pem")
