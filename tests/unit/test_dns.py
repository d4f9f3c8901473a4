# Packets of the DNS: golden bytes, and what a hostile or broken server may send.

from chance import Chance
from coap import dns
from fakes import raised
from rows import rows

QUERY = dns.query("tb.example", 0x1234)
QUESTION = b"\x02tb\x07example\x00\x00\x01\x00\x01"
POINTER = b"\xc0\x0c"  # to the name in the question
IP4 = b"\x00\x01\x00\x01"
CNAME = b"\x00\x05\x00\x01"


def record(kind, data, owner=POINTER):
    return owner + kind + b"\x00\x00\x00\x3c" + bytes((0, len(data))) + data


def packet(*records, flags=b"\x81\x80", id=b"\x12\x34", question=QUESTION, count=None):
    count = len(records) if count is None else count
    return id + flags + b"\x00\x01" + bytes((0, count)) + bytes(4) + question + b"".join(records)


def test_a_query_is_golden():
    assert QUERY == b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + QUESTION
    assert dns.query("tb.example.", 0x1234) == QUERY
    assert dns.query("a", 0xFFFF, dns.AAAA)[-7:] == b"\x01a\x00\x00\x1c\x00\x01"


@rows(
    empty="",
    dot=".",
    empty_part="a..b",
    begins_with_a_dot=".a",
    part_of_64="a" * 64 + ".b",
    umlauts_of_64_bytes="ä" * 32,
    name_of_256=".".join(["a" * 63] * 3 + ["b" * 62]),
)
def test_what_is_no_name_cannot_be_asked_for(name):
    assert raised(ValueError, dns.query, name, 1)


def test_the_longest_name():
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(dns.query(name, 1)) == 12 + 255 + 4


def test_an_answer_has_all_addresses():
    data = packet(record(IP4, bytes((192, 0, 2, 1))), record(IP4, bytes((192, 0, 2, 255))))
    assert dns.answer(data, QUERY) == (0, ["192.0.2.1", "192.0.2.255"])


def test_an_alias_leads_to_its_addresses():
    other = b"\x03www" + b"\xc0\x0f"
    data = packet(
        record(CNAME, other),
        record(CNAME, b"\x01x\x00", owner=other),
        record(IP4, bytes((10, 0, 0, 9)), owner=b"\x01x\x00"),
    )
    assert dns.answer(data, QUERY) == (0, ["10.0.0.9"])


def test_ipv6():
    query = dns.query("tb.example", 0x1234, dns.AAAA)
    data = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"
    answer = packet(record(b"\x00\x1c\x00\x01", data), question=query[12:])
    assert dns.answer(answer, query) == (0, ["2001:0db8:0000:0000:0000:0000:0000:0001"])
    # IPv4 was not asked for here.
    answer = packet(record(IP4, bytes(4)), question=query[12:])
    assert dns.answer(answer, query) == (0, [])


@rows((b"\x81\x80", 0), (b"\x81\x83", 3), (b"\x81\x82", 2), (b"\x85\x85", 5))
def test_no_name_no_address_and_a_server_that_cannot_tell(flags, code):
    assert dns.answer(packet(flags=flags), QUERY) == (code, [])


def test_letters_may_change_case():
    data = packet(record(IP4, bytes(4)), question=QUESTION.replace(b"tb", b"TB"))
    assert dns.answer(data, QUERY) == (0, ["0.0.0.0"])


GOOD = packet(record(CNAME, POINTER), record(IP4, bytes((1, 2, 3, 4))))


@rows(
    nothing=b"",
    another_id=b"\x12\x35" + GOOD[2:],
    a_query=QUERY,
    another_operation=packet(flags=b"\x89\x80"),
    another_name=packet(question=QUESTION.replace(b"tb", b"xx")),
    another_type=packet(question=QUESTION.replace(b"\x00\x01\x00\x01", b"\x00\x1c\x00\x01")),
    no_question=packet(question=b""),
    two_questions=GOOD[:5] + b"\x02" + GOOD[6:],
    more_records_than_there_are=packet(record(IP4, bytes(4)), count=255),
    a_length_beyond_the_end=packet(POINTER + IP4 + b"\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04"),
    a_name_without_an_end=packet(b"\x3f" * 40),
)
def test_what_is_no_answer_to_the_query(data):
    assert raised(ValueError, dns.answer, data, QUERY)


def test_a_pointer_to_itself_is_not_followed():
    here = b"\xc0" + bytes((len(packet()),))
    assert dns.answer(packet(record(IP4, b"\x01\x02\x03\x04", here)), QUERY) == (0, ["1.2.3.4"])


@rows(0, 3, 5, 16, 200)
def test_an_address_of_another_length_is_none(size):
    assert dns.answer(packet(record(IP4, bytes(size))), QUERY) == (0, [])


def test_a_cut_answer_never_has_other_addresses():
    assert dns.answer(GOOD, QUERY) == (0, ["1.2.3.4"])
    for size in range(len(GOOD)):
        assert raised(ValueError, dns.answer, GOOD[:size], QUERY), size


def test_damaged_answers_raise_nothing_else():
    chance = Chance(8)
    taken = 0
    for _ in range(3000):
        data = bytearray(GOOD)
        for _ in range(1 + chance.below(3)):
            data[chance.below(len(data))] = chance.below(256)
        try:
            code, addresses = dns.answer(bytes(data), QUERY)
        except ValueError:
            continue
        taken += 1
        assert 0 <= code < 16 and len(addresses) < 3
    assert 0 < taken < 3000
