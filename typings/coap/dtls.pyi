from typing import Any

from .message import _Buffer
from .udp import UDPTransport, _LookUp

class HandshakeError(OSError): ...

class Security:
    name: str | None
    context: Any
    def __init__(
        self,
        trusted: bytes | None = None,
        certificate: bytes | None = None,
        key: bytes | None = None,
        name: str | None = None,
        psk: tuple[bytes, bytes] | None = None,
        ciphers: list[str] | None = None,
    ) -> None: ...

class DTLSTransport(UDPTransport):
    security: Security
    room: int
    def __init__(
        self, host: str, port: int, security: Security, look_up: _LookUp | None = None
    ) -> None: ...
    def send(self, datagram: _Buffer) -> None: ...  # type: ignore[override]  # a method here
