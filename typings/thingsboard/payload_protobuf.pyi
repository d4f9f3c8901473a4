from collections.abc import Sequence
from typing import Any

from coap.message import _Buffer

from .protobuf import _Schema

TELEMETRY: _Schema
ATTRIBUTES: _Schema
REQUEST: _Schema
RESPONSE: _Schema

class Members:
    values: dict[str, Any]
    skipped: list[str]
    def __init__(self) -> None: ...
    def feed(self, data: _Buffer) -> None: ...
    def end(self) -> None: ...

class Protobuf:
    Members: type[Members]
    telemetry: _Schema
    attributes: _Schema
    request: _Schema
    response: _Schema
    def __init__(
        self,
        telemetry: _Schema = ...,
        attributes: _Schema = ...,
        request: _Schema = ...,
        response: _Schema = ...,
    ) -> None: ...
    def encode(self, kind: str, values: Any) -> bytes: ...
    def record(self, values: dict[str, Any]) -> bytes: ...
    def batch(
        self, records: Sequence[tuple[bytes, int | None]], limit: int = 1024
    ) -> tuple[int, bytes]: ...
    def decode(self, kind: str, payload: _Buffer) -> Any: ...
