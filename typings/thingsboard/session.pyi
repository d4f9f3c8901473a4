from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from coap import Client

from .clock import Clock

class Session:
    client: Client
    clock: Clock
    log: Callable[[str], Any]
    problem: str | None
    silences: int
    faults: int
    last_fault: str | None
    def __init__(
        self,
        client: Client,
        clock: Clock,
        log: Callable[[str], Any] | None = None,
        random: Callable[[int], int] = ...,
    ) -> None: ...
    def report(self, what: str | bytes, error: Exception) -> None: ...
    def well(self, job: str) -> None: ...
    def supervise(
        self, name: str, job: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Coroutine[Any, Any, NoReturn]: ...
    def reconnect(self) -> None: ...
    def register_soon(self, within_ms: int = 0) -> None: ...
