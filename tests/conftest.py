import pytest

from tools.update import keys


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """A key that signs packages: making one takes up to a second."""
    return keys.create(tmp_path_factory.mktemp("key") / "key.pem")
