from typing import Any

from coap.message import _Buffer

class Members:
    values: dict[str, Any]
    skipped: list[str]
    def __init__(self) -> None: ...
    def feed(self, data: _Buffer) -> None: ...
    def end(self) -> None: ...
