# The signature: RFC 8017 section 8.2.2, and which key is asked.

import hashlib

from abupdate.header import verify
from updates import DIGEST_INFO, KEY, MANIFEST, header, modulus, raw_sign, refusal

HEADER = header(b"{}")
UNKNOWN = "signed with an unknown key"
WRONG = "its signature is wrong"


def with_block(block):
    # The header, signed by what need not be a PKCS#1 block.
    return HEADER[:10] + raw_sign(block) + HEADER[MANIFEST:]


def test_a_right_signature():
    verify(HEADER, KEY)


def test_every_part_is_signed():
    for place in (0, 5, 10, 393, 394, len(HEADER) - 1):
        forged = bytearray(HEADER)
        forged[place] ^= 1
        assert refusal(verify, bytes(forged), KEY) == WRONG, place


def test_the_key_id_chooses_among_several_keys():
    others = [bytes([n]) * 384 for n in (200, 201, 202)]
    verify(HEADER, KEY + b"".join(others))
    verify(HEADER, b"".join(others) + KEY)
    assert refusal(verify, HEADER, b"".join(others)) == UNKNOWN


def test_a_key_file_that_is_no_key():
    for keys in (b"", b"no key", KEY[:-1], b"\x00" + KEY):
        assert refusal(verify, HEADER, keys) == UNKNOWN


def test_a_key_of_zeros_with_its_own_id():
    zeros = bytes(384)
    start = HEADER[:6] + hashlib.sha256(zeros).digest()[:4]
    for signature in (zeros, b"\xff" * 384, zeros[:-1] + b"\x01"):
        assert refusal(verify, start + signature + b"{}", zeros) == WRONG


def test_a_signature_as_large_as_the_modulus():
    n = modulus()
    s = int.from_bytes(HEADER[10:MANIFEST], "big")
    for wrong in (s + n, n, 0, 1):  # s + n would verify if it were reduced
        if wrong < 1 << 3072:
            forged = HEADER[:10] + wrong.to_bytes(384, "big") + HEADER[MANIFEST:]
            assert refusal(verify, forged, KEY) == WRONG


def test_blocks_that_lenient_verifiers_take():
    digest = hashlib.sha256(HEADER[:10] + HEADER[MANIFEST:]).digest()
    info = DIGEST_INFO + digest
    good = b"\x00\x01" + b"\xff" * 330 + b"\x00" + info
    verify(with_block(good), KEY)
    short = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info
    garbage_at_the_end = short + b"\xaa" * (384 - len(short))
    no_parameters = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest
    without_null = b"\x00\x01" + b"\xff" * 332 + b"\x00" + no_parameters
    encryption = b"\x00\x02" + good[2:]
    for block in (garbage_at_the_end, without_null, encryption, good[:-1] + b"\x00"):
        assert len(block) == 384
        assert refusal(verify, with_block(block), KEY) == WRONG
