from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from .clock import Clock
from .payload_json import _Codec

_Reply: TypeAlias = dict[str, Any] | None | tuple[dict[str, Any] | None, Callable[[], Any]]
_Handler: TypeAlias = Callable[[Any], _Reply | Coroutine[Any, Any, _Reply]]

class Commands:
    handlers: dict[str, _Handler]
    handler_ms: int
    refused: int
    again_ms: int
    codec: _Codec
    report: Callable[[str, Exception], Any]
    @property
    def busy(self) -> bool: ...
    def __init__(
        self,
        codec: _Codec,
        clock: Clock,
        send: Callable[[int, bytes], Coroutine[Any, Any, Any]],
        report: Callable[[str, Exception], Any],
    ) -> None: ...
