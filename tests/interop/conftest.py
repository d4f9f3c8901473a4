import pytest

from tests.interop.californium_server import CaliforniumServer
from tests.support import (
    repeatable,  # noqa: F401
    secure,
)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with what secure.make() makes."""
    return secure.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def californium(tmp_path_factory, certificates):
    identity = certificates / "identity.pem"
    parts = certificates / "server.cert.pem", certificates / "server.key.pem"
    identity.write_bytes(b"".join(part.read_bytes() for part in parts))
    with CaliforniumServer(tmp_path_factory.mktemp("californium"), identity) as server:
        yield server
