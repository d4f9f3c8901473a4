from collections.abc import Callable
from typing import Any

from .client import Client
from .message import Message

class Observation:
    client: Client
    message: Message
    timeout_ms: int
    ordered: bool
    lost: int
    whole: bool
    def __init__(
        self, client: Client, message: Message, timeout_ms: int, ordered: bool
    ) -> None: ...
    def register(self) -> None: ...
    def cancel(self) -> None: ...
    def drop(self) -> None: ...
    def __aiter__(self) -> Observation: ...
    async def __anext__(self) -> Message: ...
    async def fetch_rest(
        self,
        message: Message,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
    ) -> Message: ...
