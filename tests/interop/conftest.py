import pytest

from tests.interop.californium_server import CaliforniumServer


@pytest.fixture(scope="module")
def californium(tmp_path_factory):
    with CaliforniumServer(tmp_path_factory.mktemp("californium")) as server:
        yield server
