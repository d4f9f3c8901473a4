"""tools.certificates: what would be refused by boards is refused here."""

import pytest

from tools import certificates


@pytest.fixture
def folder(tmp_path):
    certificates.write(certificates.make("lab", is_ca=True), tmp_path, "lab")
    certificates.write(certificates.make("sensor"), tmp_path, "sensor")
    return tmp_path


def test_a_server_is_signed_by_a_ca(folder):
    certificates.server("tb", ["tb.example", "::1"], folder / "lab", folder)
    assert (folder / "tb.cert.der").exists()


def test_an_issuer_that_is_no_ca(folder):
    with pytest.raises(ValueError, match=r"sensor\.cert\.pem: not that of a CA"):
        certificates.server("tb", ["tb.example"], folder / "sensor", folder)
    assert not (folder / "tb.cert.der").exists()


@pytest.mark.parametrize(
    "host", ["", "tb.example:5684", "coaps://tb.example", "gr\u00f6\u00dfe.example"]
)
def test_a_host_that_no_board_can_look_for(folder, host):
    with pytest.raises(ValueError, match="--host"):
        certificates.server("tb", [host], folder / "lab", folder)
    assert not (folder / "tb.cert.der").exists()
