# The server's checksum text; the values are those of Guava for b"123456789".

from thingsboard.checksum import Checksum


def matches(algorithm, text, pieces=(b"1234", b"", b"56789")):
    check = Checksum(algorithm)
    for piece in pieces:
        check.update(piece)
    return check.matches(text)


def test_sha256_and_md5():
    sha256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    assert matches("SHA256", sha256) and matches("SHA256", sha256.upper())
    assert not matches("SHA256", "0" + sha256[1:])
    assert not matches("SHA256", sha256, (b"12345678",))
    assert matches("MD5", "25f9e794323b453885f5181f1b624d0b")
    assert not matches("MD5", sha256)


def test_crc32_is_little_endian():
    assert matches("CRC32", "2639f4cb")
    assert not matches("CRC32", "cbf43926")


def test_what_a_board_does_not_compute_is_left_to_the_signature():
    for algorithm in ("SHA384", "SHA512", "MURMUR3_32", "MURMUR3_128", "new", None):
        assert matches(algorithm, "00")


def test_without_a_checksum():
    assert matches("SHA256", None) and matches("CRC32", "")
