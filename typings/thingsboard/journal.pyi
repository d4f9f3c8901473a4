from collections.abc import Callable
from types import ModuleType
from typing import Any

from .clock import Clock
from .outbox import Outbox
from .payload_json import _Codec

class Journal(Outbox):
    born: int
    damaged: int
    problem: OSError | None
    def __init__(
        self,
        clock: Clock,
        folder: str = "journal",
        codec: _Codec = ...,
        max_bytes: int = 65536,
        every: int = 1,
        delay_ms: int = 10000,
        born: int | None = None,
        os: ModuleType = ...,
        open: Callable[..., Any] = ...,
    ) -> None: ...
    def keep(self, delay_ms: int | None = None) -> OSError | None: ...
    def write(self) -> int: ...
    def finish(self) -> int: ...
