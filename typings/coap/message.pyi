from collections.abc import Sequence
from typing import Final, TypeAlias

_Buffer: TypeAlias = bytes | bytearray | memoryview
_Option: TypeAlias = tuple[int, bytes]

CON: Final = 0
NON: Final = 1
GET: Final = 1
POST: Final = 2
PUT: Final = 3
DELETE: Final = 4
FETCH: Final = 5

class Message:
    acknowledged: bool
    code: int
    payload: bytes  # of what came; what is sent may be any buffer
    options: Sequence[_Option]
    type: int
    token: bytes
    message_id: int
    def __init__(
        self,
        code: int = 0,
        payload: _Buffer = b"",
        options: Sequence[_Option] = (),
        type: int = 0,
        token: bytes = b"",
        message_id: int = 0,
    ) -> None: ...
    def option(self, number: int) -> bytes | None: ...
    def uint(self, number: int) -> int | None: ...
    def encode(self) -> bytearray: ...

def decode(data: _Buffer) -> Message: ...
def option_uint(n: int) -> bytes: ...
def add_option(options: list[_Option], number: int, value: bytes) -> None: ...
