"""Packages: what ThingsBoard's /fw and /sw answer, and what assignment tells the device."""

import json

import pytest
from aiocoap.numbers.types import ACK, CON, NON, RST

from tests.system.wire import Peer
from tools.tbsim import Package

DATA = bytes(i * 7 & 255 for i in range(5000))
FW = "b26677 03544f4b"  # Uri-Path fw, TOK
TV = "477469746c653d54 0976657273696f6e3d31"  # title=T, version=1


def hexed(data: bytes) -> str:
    return data.hex()


@pytest.fixture
def package(sim):
    package = Package("T", "1", DATA)
    sim.assign(sim.device("golden"), package)
    return package


def test_a11_without_block2(sim, wire, package):
    wire.up(f"4101100bc1 {FW} {TV}")
    wire.expect("6000100b")
    wire.ack(wire.expect(f"4145 .... c1 d10a0e 521388 ff {hexed(DATA[:1024])}"))


def test_a12_and_a13_blocks_of_256(wire, package):
    wire.up(f"4101100cc2 {FW} {TV} 8104")
    wire.expect("6000100c")
    wire.ack(wire.expect(f"4145 .... c2 d10a0c 521388 ff {hexed(DATA[:256])}"))
    wire.up(f"4101100dc3 {FW} {TV} 8114")
    wire.expect(f"6145100d c3 d10a1c ff {hexed(DATA[256:512])}")


def test_a14_and_a15_chunks(wire, package):
    size, last, past = b"size=512".hex(), b"chunk=9".hex(), b"chunk=10".hex()
    wire.up(f"4101100ec4 {FW} {TV} 08{size} 07{last}")
    wire.expect("6000100e")
    wire.ack(wire.expect(f"4145 .... c4 ff {hexed(DATA[4608:])}"))
    wire.up(f"4101100fc5 {FW} {TV} 08{size} 08{past}")
    wire.expect("6000100f")
    assert wire.silent(0.5)


def get(peer, path="fw/TOK", query=(), **how):
    """The last of the answers: behind an immediate empty ACK."""
    first = peer.ask(1, path, uri_query=list(query), **how)
    if first is not None and first.mtype is ACK and first.code.dotted == "0.00":
        return peer.read()
    return first


@pytest.fixture
def quick_package(quick):
    package = Package("T", "1", DATA)
    quick.assign(quick.device("golden"), package)
    return package


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("fw/TOK", ["title=X"], "4.00"),
        ("fw/TOK", ["version=2"], "4.00"),
        ("fw/TOK", ["title"], "4.00"),
        ("fw/TOK", ["title=T&version=1"], "4.00"),
        ("fw/TOK", [], "2.05"),
        ("fw/TOK/x", [], "4.01"),
        ("fw", [], "4.01"),
        ("fw/NOBODY", [], "4.01"),
        ("sw/TOK", [], "4.04"),
        ("fw/TOK", ["size=x"], "5.00"),
        ("fw/TOK", ["size=512", "chunk=-1"], "5.00"),
        ("fw/TOK", ["size=65536", "chunk=32769"], "5.00"),  # Java's int: from before the start
        ("fw/TOK", ["size=65536", "chunk=65536"], "2.05"),
        ("fw/TOK", ["size=-5"], "2.05"),
        ("fw/TOK", ["size=", "chunk=3"], "2.05"),
    ],
)
def test_answers(peer, quick_package, path, query, code):
    response = get(peer, path, query)
    assert response.code.dotted == code and response.mtype is CON
    assert response.opt.content_format is None


def test_non_requests_get_non_answers(peer, quick_package):
    response = peer.ask(1, "fw/TOK", kind=NON, uri_query=["size=1024", "chunk=1"])
    assert response.mtype is NON and response.payload == DATA[1024:2048]
    assert peer.ask(1, "fw/TOK", kind=NON, uri_query=["size=1024", "chunk=5"]) is None


def test_other_methods(peer, quick_package):
    response = peer.ask(2, "fw/TOK", b"x")
    assert response.code.dotted == "4.05" and response.mtype is ACK


def test_the_last_block_cannot_be_had_twice(peer, quick_package):
    assert get(peer, block2=(0, False, 6)).opt.size2 == 5000
    assert get(peer, block2=(2, False, 6)).payload == DATA[2048:3072]
    assert get(peer, block2=(2, False, 6)).payload == DATA[2048:3072]  # others can
    assert get(peer, block2=(8, False, 5)).payload == DATA[4096:4608]  # smaller, aligned
    last = get(peer, block2=(4, False, 6))
    assert last.mtype is ACK and last.payload == DATA[4096:] and not last.opt.block2.more
    assert get(peer, block2=(4, False, 6)) is None


def test_past_the_end_of_a_transfer(peer, quick_package):
    get(peer, block2=(0, False, 6))
    past = get(peer, block2=(9, False, 6))
    assert past.code.dotted == "2.05" and past.payload == b"" and not past.opt.block2.more
    assert get(peer, block2=(1, False, 6)) is None


def test_a_block_without_a_transfer(peer, quick_package):
    assert get(peer, block2=(1, False, 6)) is None
    refused = peer.ask(1, "fw/TOK", kind=NON, block2=(1, False, 6))
    assert refused.mtype is RST and refused.mid == peer.mid
    small = get(peer, query=["size=512", "chunk=1"], block2=(1, False, 6))
    assert small.payload == DATA[512:1024] and small.opt.block2.block_number == 1


def test_a_later_block_without_a_transfer_is_reset_when_asked_for_by_non(peer, quick_package):
    for block2 in ((1, False, 6), (4, False, 6)):
        response = peer.ask(1, "fw/TOK", kind=NON, block2=block2)
        assert response.mtype is RST and response.code.dotted == "0.00"
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(0, False, 6)).opt.size2 == 5000
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(4, False, 6)).payload == DATA[4096:]
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(4, False, 6)).mtype is RST


def test_a_transfer_is_known_by_its_query_in_order(peer, quick_package):
    get(peer, query=["title=T", "version=1"], block2=(0, False, 6))
    assert get(peer, query=["version=1", "title=T"], block2=(1, False, 6)) is None
    assert get(peer, query=["title=T", "version=1"], block2=(1, False, 6)).code.dotted == "2.05"


def test_blocks_by_non_in_any_order_and_of_any_size(peer, quick_package):
    def block(number, szx=6):
        response = peer.ask(1, "fw/TOK", kind=NON, block2=(number, False, szx))
        assert response.mtype is NON and not response.opt.etag
        assert response.opt.size2 == (5000 if number == 0 else None)
        start, size = number << szx + 4, 16 << szx
        assert response.payload == DATA[start : start + size]
        assert response.opt.block2.more == (start + size < 5000)

    for number in (0, 3, 1, 2, 1):
        block(number)
    block(8, 5)
    block(70, 2)
    block(4)  # the last
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(2, False, 6)).mtype is RST
    block(0)
    block(2)


def test_a_transfer_belongs_to_one_port_and_kind(quick, peer, quick_package):
    quick.assign(quick.device("golden"), Package("S", "1", DATA[::-1], kind="sw"))
    for path in ("fw/TOK", "sw/TOK"):
        peer.ask(1, path, kind=NON, block2=(0, False, 6))
    other = Peer(quick.port)
    assert other.ask(1, "fw/TOK", kind=NON, block2=(1, False, 6)).mtype is RST
    other.wire.close()
    assert peer.ask(1, "sw/TOK", kind=NON, block2=(1, False, 6)).payload == DATA[::-1][1024:2048]
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(1, False, 6)).payload == DATA[1024:2048]


def test_a_transfer_is_forgotten_at_a_restart(quick, peer, quick_package):
    peer.ask(1, "fw/TOK", kind=NON, block2=(0, False, 6))
    quick.restart()
    assert peer.ask(1, "fw/TOK", kind=NON, block2=(1, False, 6)).mtype is RST


def test_blocks_come_from_the_body_of_block_0(quick, peer, quick_package):
    get(peer, block2=(0, False, 6))
    quick.assign(quick.device("golden"), Package("T", "2", b"other" * 1000))
    assert get(peer, block2=(1, False, 6)).payload == DATA[1024:2048]
    assert get(peer, query=["title=T", "version=1"], block2=(0, False, 6)).code.dotted == "4.00"


def test_a_tiny_package_says_more(quick, peer):
    quick.assign(quick.device("golden"), Package("T", "1", b"abc"))
    assert get(peer, block2=(0, False, 6)).opt.block2.more
    assert not get(peer).opt.block2


def test_observe_is_answered_and_means_nothing(quick, peer, quick_package):
    assert get(peer, observe=0).opt.observe == 0


def test_rate_limit_hits_chunks(quick, peer, quick_package):
    quick.switches.rate_limited = 1
    assert get(peer, query=["size=512", "chunk=0"]).code.dotted == "5.00"
    assert get(peer, query=["size=512", "chunk=0"]).code.dotted == "2.05"


@pytest.mark.parametrize(
    ("algorithm", "text"),
    [
        ("CRC32", "2639f4cb"),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ("MURMUR3_32", None),
        ("MURMUR3_128", None),
    ],
)
def test_checksums(algorithm, text):
    attributes = Package("T", "1", b"123456789", algorithm=algorithm).attributes()
    assert text is None or attributes["fw_checksum"] == text
    assert len(attributes["fw_checksum"]) % 8 == 0
    assert attributes["fw_size"] == 9 and attributes["fw_checksum_algorithm"] == algorithm


def test_assignment_tells_the_device_in_the_servers_order(quick, peer):
    device = quick.device("golden")
    peer.ask(1, "api/v1/TOK/attributes", token=b"\x07", observe=0)
    quick.assign(device, Package("T", "1", DATA, tag="T 1"))
    assert json.loads(peer.read().payload) == {"deleted": ["fw_url"]}
    update = json.loads(peer.read().payload)
    assert update["fw_title"] == "T" and update["fw_size"] == 5000 and update["fw_tag"] == "T 1"
    states = [(key, value) for _, key, value in device.telemetry if key != "target_fw_ts"]
    assert states == [
        ("target_fw_title", "T"),
        ("target_fw_version", "1"),
        ("target_fw_tag", "T 1"),
        ("fw_state", "QUEUED"),
        ("fw_state", "INITIATED"),
    ]
    quick.unassign(device)
    gone = json.loads(peer.read().payload)["deleted"]
    assert {"fw_title", "fw_version", "fw_state", "fw_ts"} <= set(gone) and len(gone) == 9
    assert get(peer).code.dotted == "4.04"


def test_url_packages_have_no_bytes_here(quick, peer):
    device = quick.device("golden")
    quick.assign(device, Package("T", "1", kind="sw", url="coap://127.0.0.1/x"))
    assert device.shared_attributes == {
        "sw_title": "T",
        "sw_version": "1",
        "sw_url": "coap://127.0.0.1/x",
    }
    assert get(peer, "sw/TOK").code.dotted == "4.04"


def test_the_devices_own_package_goes_before_the_profiles(quick, peer):
    profile = quick.add_profile("p")
    device = quick.add_device("d", "D", profile)
    quick.assign(profile, Package("P", "1", b"profile"))
    assert get(peer, "fw/D").payload == b"profile"
    quick.assign(device, Package("D", "1", b"device"))
    assert get(peer, "fw/D").payload == b"device"


def test_served_bytes_are_counted(quick, peer, quick_package):
    for chunk in range(5):
        get(peer, query=["size=1024", f"chunk={chunk}"])
    assert [(start, size) for _, start, size in quick_package.served] == [
        (0, 1024),
        (1024, 1024),
        (2048, 1024),
        (3072, 1024),
        (4096, 904),
    ]


def test_served_blocks_of_a_chunk_are_counted_from_the_packages_start(peer, quick_package):
    query = ["size=2048", "chunk=1"]
    get(peer, query=query, block2=(0, False, 6))
    get(peer, query=query, block2=(1, False, 6))
    assert [(part.start, part.size) for part in quick_package.served] == [
        (2048, 1024),
        (3072, 1024),
    ]
