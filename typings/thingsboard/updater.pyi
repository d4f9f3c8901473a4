from collections.abc import Callable, Coroutine
from typing import Any

from abupdate.slot import _Slot
from coap import Client

from .device import Device

class Updater:
    device: Device
    slots: dict[str, _Slot]
    keys: bytes
    reset: Callable[[], Any]
    progress: Callable[[int, int], Any]
    pause: bool
    connect: Callable[..., Coroutine[Any, Any, Client]] | None
    downloaded: int
    def __init__(
        self,
        device: Device,
        slots: dict[str, _Slot],
        keys: bytes,
        reset: Callable[[], Any],
        progress: Callable[[int, int], Any] | None = None,
        pause: bool = False,
        connect: Callable[..., Coroutine[Any, Any, Client]] | None = None,
    ) -> None: ...
    @property
    def busy(self) -> bool: ...
    async def run(self) -> None: ...
    async def introduce(self, prefix: str) -> None: ...
