# Settings of a device that speaks DTLS, and the files that they name.

import json

from rows import rows
from settings_of import refused, taken, with_settings

POINT = b"\x03\x42\x00\x04"  # and 64 bytes: a public key
DER = b"\x30\x82\x00\x03\x30\x01\x00"  # as long as a certificate says, and no longer
SEC1 = b"\x30\x05\x02\x01\x01\x04\x20"
PKCS8 = b"\x30\x81\x0e\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
RSA = b"\x30\x03\x02\x01\x00"
TRUSTED = {"trusted": "ca.der"}
OWN = {"certificate": "me.der", "key": "my.der"}


@rows(
    bare=("h", "h", 5684),
    coaps=("coaps://h", "h", 5684),
    with_port=("COAPS://h:99/", "h", 99),
    number=("192.0.2.7:99", "192.0.2.7", 99),
)
def test_a_server_over_dtls(server, host, port):
    config = taken(with_settings(server=server, **TRUSTED), ca_der=DER)
    assert (config["server"], config["port"], config["trusted"]) == (host, port, "ca.der")


def test_a_device_with_a_certificate_needs_no_token():
    settings = {"server": "coaps://h"}
    for more in (TRUSTED, OWN):
        settings.update(more)
    taken(json.dumps(settings), ca_der=DER, me_der=DER, my_der=PKCS8)
    config = taken(json.dumps(settings), ca_der=DER, me_der=DER, my_der=SEC1)
    assert config["access_token"] is None and config["key"] == "my.der"
    settings["provision_key"] = "KEY"
    line = refused(json.dumps(settings), ca_der=DER, me_der=DER, my_der=SEC1)
    assert line == "settings.json: provision_secret: missing; it goes with provision_key"


@rows(
    no_ca=(
        {"server": "coaps://h"},
        "trusted: missing; coaps wants the certificate of a CA",
    ),
    plain=(
        {"server": "coap://h", "trusted": "ca.der"},
        "server: expected coaps:// with trusted, or neither",
    ),
    no_trust=(OWN, "trusted: missing; name the certificate of the server's CA"),
    no_key=(
        {"trusted": "ca.der", "certificate": "me.der"},
        "key: missing; it goes with certificate",
    ),
    no_certificate=(
        {"trusted": "ca.der", "key": "my.der"},
        "certificate: missing; it goes with key",
    ),
    no_file=({"trusted": "no.der"}, "trusted: no.der is missing or empty; copy it"),
    empty=({"trusted": "empty.der"}, "trusted: empty.der is missing or empty; copy it"),
    pem=({"trusted": "ca.pem"}, "trusted: ca.pem is no DER but PEM"),
    other=({"trusted": "ca.txt"}, "trusted: ca.txt is no DER but something else"),
    key=(
        {"trusted": "ca.der", "certificate": "me.der", "key": "ca.pem"},
        "key: ca.pem is no DER but PEM",
    ),
    cut=({"trusted": "cut.der"}, "trusted: cut.der is cut off; copy it again, whole"),
    head=({"trusted": "head.der"}, "trusted: head.der is cut off; copy it again, whole"),
    no_certificate_but_a_key=({"trusted": "my.der"}, "trusted: my.der is no certificate"),
    no_key_but_a_certificate=(
        {"trusted": "ca.der", "certificate": "me.der", "key": "ca.der"},
        "key: ca.der is no key, or one with a password",
    ),
    rsa=(
        {"trusted": "ca.der", "certificate": "me.der", "key": "my.der"},
        "key: my.der is no EC key, as boards want",
    ),
    path=(
        {"trusted": "../ca.der"},
        "trusted: expected the name of a file in DER, the certificate of a CA",
    ),
    huge=({"trusted": "huge.der"}, "trusted: huge.der: larger than 4096 bytes; shorten it"),
)
def test_what_dtls_lacks(changes, line):
    files = {"ca_der": DER, "me_der": DER, "my_der": RSA, "empty_der": b"", "ca_txt": b"CA"}
    files["ca_pem"] = b"-----BEGIN CERTIFICATE-----"
    files["huge_der"] = DER * 2000
    files["cut_der"] = DER[:-1]
    files["head_der"] = DER[:1]
    assert refused(with_settings(**changes), **files) == "settings.json: " + line


def test_the_key_of_another_certificate():
    mine, other = POINT + b"1" * 64, POINT + b"2" * 64
    settings = with_settings(**TRUSTED, **OWN)
    certificate = b"\x30\x46\x30\x44" + mine
    taken(settings, ca_der=DER, me_der=certificate, my_der=b"\x30\x49" + SEC1[2:] + mine)
    line = refused(settings, ca_der=DER, me_der=certificate, my_der=b"\x30\x49" + SEC1[2:] + other)
    assert line == "settings.json: key: my.der is not the key of me.der"
