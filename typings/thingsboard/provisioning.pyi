from typing import Any

from coap import Client

from .payload_json import _Codec

async def provision(
    client: Client, key: str, secret: str, payload: _Codec = ..., **fields: Any
) -> dict[str, Any]: ...
