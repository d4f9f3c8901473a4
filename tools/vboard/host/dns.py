"""What the DNS server of a virtual board's network answers."""

from dataclasses import dataclass, field

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord

ANSWERS = "answers"
SILENT = "silent"
UNKNOWN = "unknown"  # NXDOMAIN for every name
EMPTY = "empty"  # every name exists, and has no address

_SETTINGS = (ANSWERS, SILENT, UNKNOWN, EMPTY)
_TTL_S = 60


@dataclass
class DNS:
    """names: the addresses (IPv4) of each name. mode: ANSWERS, SILENT, UNKNOWN or EMPTY."""

    names: dict[str, list[str]] = field(default_factory=dict)
    mode: str = ANSWERS
    delay_s: float = 0.0

    def set_mode(self, mode: str) -> None:
        """ValueError if there is no such mode."""
        if mode not in _SETTINGS:
            raise ValueError(f"a DNS server is one of {_SETTINGS}")
        self.mode = mode

    def look_up(self, name: str) -> list[str] | None:
        """Return the addresses of a name; None where there is no such name."""
        if self.mode == EMPTY:
            return []
        return None if self.mode == UNKNOWN else self.names.get(name.rstrip(".").lower())

    def reply(self, query: bytes) -> bytes | None:
        """Return the answer to a datagram; None: silence."""
        try:
            request = DNSRecord.parse(query)
        except DNSError:
            return None
        if self.mode == SILENT:
            return None
        reply = request.reply()
        addresses = self.look_up(str(request.q.qname))
        if addresses is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            for address in addresses:
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=_TTL_S))
        return reply.pack()
