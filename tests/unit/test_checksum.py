# The server's checksum text; the values are those of Guava for b"123456789".

import hashlib
import sys

from rows import rows
from thingsboard.assignment import Checksum

SHA256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
MD5 = "25f9e794323b453885f5181f1b624d0b"


def matches(algorithm, text, pieces=(b"1234", b"", b"56789")):
    check = Checksum(algorithm)
    for piece in pieces:
        check.update(piece)
    return check.matches(text)


@rows(("SHA256", SHA256), ("SHA256", SHA256.upper()), ("MD5", MD5), ("CRC32", "2639f4cb"))
def test_right(algorithm, text):
    assert matches(algorithm, text)


@rows(
    ("SHA256", "0" + SHA256[1:]),
    ("SHA256", MD5),
    big_endian=("CRC32", "cbf43926"),
)
def test_wrong(algorithm, text):
    assert not matches(algorithm, text)


def test_wrong_md5():
    # A port whose hashlib has no MD5 leaves it to the signature, and takes any text.
    assert matches("MD5", SHA256) != hasattr(hashlib, "md5")


def test_a_part_is_missing():
    assert not matches("SHA256", SHA256, (b"12345678",))


@rows("SHA384", "SHA512", "MURMUR3_32", "MURMUR3_128", "new", None)
def test_what_a_board_does_not_compute_is_left_to_the_signature(algorithm):
    assert matches(algorithm, "00")


@rows("SHA256", "MD5")
def test_a_hash_that_the_port_leaves_out_is_left_to_the_signature(algorithm):
    class Bare:
        pass

    checksum = sys.modules["thingsboard.assignment"]
    real, checksum.hashlib = checksum.hashlib, Bare
    try:
        check = Checksum(algorithm)
        check.update(b"1")
        assert not check.known and check.matches("00")
    finally:
        checksum.hashlib = real


def test_without_a_checksum():
    assert matches("SHA256", None) and matches("CRC32", "")
