"""How the packets of a report are counted; `python -m tools.measure.bench low_power` counts."""

import struct

from rich.console import Console

from tools.measure.bench import low_power
from tools.measure.low_power import network
from tools.measure.low_power.line import FAR, NEAR, swapped
from tools.measure.low_power.packets import TCP, UDP, Packet, Traffic

SERVER, CLIENT = 5683, 40000


def packet(protocol, source, target, payload=b"", options=b""):
    """Return an IPv4 packet."""
    if protocol == UDP:
        above = struct.pack("!HHHH", source, target, 8 + len(payload), 0)
    else:
        words = 5 + len(options) // 4
        above = struct.pack("!HHIIBBHHH", source, target, 1, 2, words << 4, 16, 1000, 0, 0)
        above += options
    total = 20 + len(above) + len(payload)
    addresses = bytes(map(int, f"{NEAR}.{FAR}".split(".")))
    header = struct.pack("!BBHHHBBH", 0x45, 0, total, 0, 0, 64, protocol, 0) + addresses
    return header + above + payload


def test_a_datagram_and_a_segment():
    datagram = Packet.read(packet(UDP, CLIENT, SERVER, b"12345"), 1, 2)
    assert (datagram.source, datagram.target) == (CLIENT, SERVER)
    assert (datagram.bytes, datagram.payload) == (33, 5)
    segment = Packet.read(packet(TCP, SERVER, CLIENT, b"123", b"\x02\x04\x05\xb4"), 1, 2)
    assert (segment.bytes, segment.payload) == (47, 3)
    assert Packet.read(packet(TCP, SERVER, CLIENT), 1, 2).payload == 0  # an acknowledgement


def test_what_is_neither_is_not_counted():
    assert Packet.read(packet(1, CLIENT, SERVER), 1, 2) is None
    assert Packet.read(b"\x60" + bytes(60), 1, 2) is None


def test_an_exchange_comes_to_its_packets_bytes_and_seconds():
    exchange = [
        Packet.read(packet(UDP, CLIENT, SERVER, bytes(100)), 1.0, 1.1),
        Packet.read(packet(UDP, SERVER, CLIENT, bytes(10)), 1.2, 1.3),
        Packet.read(packet(UDP, CLIENT, SERVER, bytes(4)), 1.3, 1.4),
        Packet.read(packet(UDP, CLIENT, 53, bytes(40)), 9, 9),  # somebody else's
        Packet.read(packet(UDP, SERVER, CLIENT - 1, bytes(9)), 8, 8),  # to a client before
    ]
    assert Traffic.of(exchange, SERVER) == Traffic(2, 1, 198, 114, 0.3)
    assert Traffic.of([], SERVER) == Traffic(0, 0, 0, 0, 0.0)


def test_the_line_swaps_the_addresses_and_nothing_else():
    there = packet(UDP, CLIENT, SERVER, b"12345")
    back = swapped(there)
    assert back[12:16] == there[16:20] and back[16:20] == there[12:16]
    assert back[:12] == there[:12] and back[20:] == there[20:]


def test_a_pc_that_cannot_count_says_so(monkeypatch):
    monkeypatch.setitem(network.TOOLS, "no such program", "its-package")
    result = low_power.measure()
    assert result == {"low_power": "low power is not measured: that wants Debian's its-package"}
    console = Console(record=True)
    low_power.show(result, console)
    assert "its-package" in console.export_text()
