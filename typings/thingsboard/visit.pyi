from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .device import Device
from .updater import Updater

async def visit(
    device: Device,
    updater: Updater | None = None,
    errands: Sequence[tuple[str, Callable[[], Coroutine[Any, Any, Any]]]] = (),
    listen_ms: int = 2000,
    limit_ms: int = 120000,
) -> bool: ...
