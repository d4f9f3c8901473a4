# RFC 7641: the order of notifications, and what ends an observation.

from coap.endpoint import goes_on, is_newer
from coap.message import Message


def notification(number):
    value = b"" if number == 0 else number.to_bytes(3, "big")
    return Message(0x45, b"", [(6, value)])


def test_the_first_is_always_newer():
    assert is_newer(notification(0), None)
    assert is_newer(notification(0xFFFFFF), None)


def test_order():
    assert is_newer(notification(6), 5)
    assert not is_newer(notification(5), 5)
    assert not is_newer(notification(4), 5)


def test_wrap_of_24_bits():
    assert is_newer(notification(0), 0xFFFFFF)
    assert is_newer(notification(3), 0xFFFFF0)
    assert not is_newer(notification(0xFFFFFF), 0)
    half = 1 << 23
    assert is_newer(notification(half - 1), 0)
    assert not is_newer(notification(half), 0)  # exactly half way round: not newer
    assert not is_newer(notification(half + 1), 0)


def test_what_goes_on():
    assert goes_on(notification(1))
    assert goes_on(Message(0x43, b"", [(6, b"")]))  # 2.03, as ThingsBoard answers for RPC
    assert not goes_on(Message(0x42, b"", [(6, b"")]))  # 2.02 with Observe: "replaced"
    assert not goes_on(Message(0x84, b"", [(6, b"\x09")]))
    assert not goes_on(Message(0x45, b"x"))  # an answer, but no observation
