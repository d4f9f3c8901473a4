from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from coap import Client, Message

from .attributes import SharedAttributes
from .clock import Clock
from .outbox import Outbox
from .payload_json import _Codec
from .rpc import Commands, _Handler
from .session import Session

class Device:
    client: Client
    access_token: str | None
    path: tuple[str, ...]
    payload: _Codec
    clock: Clock
    session: Session
    outbox: Outbox
    attributes: SharedAttributes
    commands: Commands
    def __init__(
        self,
        client: Client,
        access_token: str | None = None,
        log: Callable[[str], Any] | None = None,
        clock: Clock | None = None,
        outbox: Outbox | None = None,
        payload: _Codec = ...,
    ) -> None: ...
    @property
    def shared(self) -> dict[str, Any]: ...
    @property
    def problem(self) -> str | None: ...
    def on_attributes(
        self,
        callback: Callable[[dict[str, Any], list[str]], Any],
        names: Sequence[str] | None = None,
    ) -> None: ...
    def on_rpc(self, method: str, handler: _Handler) -> None: ...
    def record(self, values: dict[str, Any], ts: float | None = None) -> None: ...
    def send_telemetry(
        self, values: dict[str, Any] | Sequence[dict[str, Any]], ts: int | None = None
    ) -> Coroutine[Any, Any, Message]: ...
    def send_attributes(self, values: dict[str, Any]) -> Coroutine[Any, Any, Message]: ...
    async def request_attributes(
        self, client_keys: Sequence[str] = (), shared_keys: Sequence[str] = ()
    ) -> dict[str, dict[str, Any]]: ...
    async def call(self, method: str, params: Any = None, timeout_ms: int = 12000) -> Any: ...
    def claim(self, secret: str = "", duration_ms: int = 0) -> Coroutine[Any, Any, Message]: ...
