from typing import Any

from .slot import _Buffer, _Slot

class Image:
    offset: int
    size: int | None
    def __init__(
        self,
        keys: bytes,
        slot: _Slot,
        title: str | None = None,
        version: str | None = None,
        size: int | None = None,
    ) -> None: ...
    def feed(self, offset: int, data: _Buffer) -> None: ...

def parse(header: bytes) -> dict[str, Any]: ...
