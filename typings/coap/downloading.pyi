from collections.abc import Callable, Sequence
from typing import Any, Protocol, type_check_only

from .client import Client

@type_check_only
class _Body(Protocol):
    # What takes a resource block by block: an Image of abupdate does.
    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int | None: ...
    def feed(self, offset: int, data: bytes, /) -> Any: ...

async def download(
    client: Client,
    path: str | Sequence[str],
    query: Sequence[str],
    body: _Body,
    size: int | None = None,
    block_size: int = 1024,
    pause: bool = False,
    progress: Callable[[int, int], Any] | None = None,
) -> None: ...
