from collections.abc import Callable, Sequence
from typing import Any

from .payload_json import _Codec

class SharedAttributes:
    values: dict[str, Any]
    codec: _Codec
    report: Callable[[str, Exception], Any]
    def __init__(self, codec: _Codec, report: Callable[[str, Exception], Any]) -> None: ...
    def listen(
        self,
        callback: Callable[[dict[str, Any], list[str]], Any],
        names: Sequence[str] | None = None,
    ) -> None: ...
