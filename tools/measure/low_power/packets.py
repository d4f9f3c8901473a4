"""Packets as they are on the wire, and what those of one report come to. Sans-I/O."""

import struct
from dataclasses import dataclass

TCP, UDP = 6, 17
UDP_HEADER = 8


@dataclass(frozen=True)
class Packet:
    """A packet of UDP or TCP: when it was sent and came (seconds), its ports, its bytes.

    bytes are those of the whole packet, IP header included, without the link's own; payload are
    those that UDP or TCP carries: 0 in a segment that only acknowledges, opens or closes.
    """

    sent: float
    came: float
    source: int
    target: int
    bytes: int
    payload: int

    @classmethod
    def read(cls, data: bytes, sent: float, came: float) -> "Packet | None":
        """Return what an IPv4 packet is; None for any other."""
        if data[0] >> 4 != 4 or data[9] not in (TCP, UDP):
            return None
        header = 4 * (data[0] & 15)
        total = int.from_bytes(data[2:4], "big")
        source, target = struct.unpack_from("!HH", data, header)
        above = 4 * (data[header + 12] >> 4) if data[9] == TCP else UDP_HEADER
        return cls(sent, came, source, target, total, total - header - above)


@dataclass(frozen=True)
class Traffic:
    """What went between clients and one port: packets each way, their bytes, and the time.

    bytes and payload are as in a packet, both ways together. seconds are the client's: from its
    first packet until it has sent or got its last one.
    """

    up: int
    down: int
    bytes: int
    payload: int
    seconds: float

    @classmethod
    def of(cls, packets: list[Packet], *ports: int) -> "Traffic":
        """Return what packets from and to a server's ports come to.

        What the server sends to the port of an earlier client, which nobody hears, is left out.
        """
        up = [packet for packet in packets if packet.target in ports]
        clients = {packet.source for packet in up}
        down = [
            packet for packet in packets if packet.source in ports and packet.target in clients
        ]
        seen = [packet.sent for packet in up] + [packet.came for packet in down]
        return cls(
            len(up),
            len(down),
            sum(packet.bytes for packet in up + down),
            sum(packet.payload for packet in up + down),
            round(max(seen) - min(seen), 3) if seen else 0.0,
        )
