from collections.abc import Callable
from typing import Any

from .message import Message

class TransferError(Exception): ...

class Transfer:
    message: Message
    sink: Callable[[bytes], Any] | None
    max_body: int
    def __init__(
        self,
        message: Message,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        block_up: int = 1024,
    ) -> None: ...
    def next_request(self) -> Message: ...
    def receive(self, response: Message) -> Message | None: ...
