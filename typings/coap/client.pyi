# The verbs take the arguments of request() after the path.

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .dtls import Security
from .endpoint import Endpoint
from .message import Message, _Buffer
from .observation import Observation
from .udp import _LookUp, _Transport

async def connect(
    host: str,
    port: int | None = None,
    ack_timeout_ms: int = 2000,
    window_limit: int = 3,
    look_up: _LookUp | None = None,
    security: Security | None = None,
) -> Client: ...

class Client:
    endpoint: Endpoint
    transport: _Transport
    window_limit: int
    on_open: Callable[[], Any] | None
    on_error: Callable[[Exception], Any] | None
    on_cut: Callable[[], Any] | None
    link_errors: int
    def __init__(
        self, transport: _Transport, ack_timeout_ms: int = 2000, window_limit: int = 3
    ) -> None: ...
    def request(
        self,
        code: int,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
    ) -> Coroutine[Any, Any, Message]: ...
    def get(
        self,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        code: int = 1,
    ) -> Coroutine[Any, Any, Message]: ...
    def post(
        self,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        code: int = 2,
    ) -> Coroutine[Any, Any, Message]: ...
    def put(
        self,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        code: int = 3,
    ) -> Coroutine[Any, Any, Message]: ...
    def delete(
        self,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        code: int = 4,
    ) -> Coroutine[Any, Any, Message]: ...
    def fetch(
        self,
        path: str | Sequence[str],
        payload: _Buffer = b"",
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        block_size: int = 1024,
        sink: Callable[[bytes], Any] | None = None,
        max_body: int = 16384,
        code: int = 5,
    ) -> Coroutine[Any, Any, Message]: ...
    def observe(
        self,
        path: str | Sequence[str],
        query: Sequence[str] = (),
        options: Sequence[tuple[int, bytes]] = (),
        type: int = 0,
        timeout_ms: int = 93000,
        ordered: bool = True,
    ) -> Observation: ...
    def ping(self, timeout_ms: int = 93000) -> Coroutine[Any, Any, Message]: ...
    def reconnect(self) -> None: ...
    def close(self) -> None: ...
