from typing import Any, TypeAlias

from coap.message import _Buffer

# {name: (number, type)}; a type is a word, a schema, a tuple of (name, number) or a list of one.
_Schema: TypeAlias = dict[str, tuple[int, Any]]

def encode(schema: _Schema, values: dict[str, Any]) -> bytes: ...
def decode(schema: _Schema, data: _Buffer) -> dict[str, Any]: ...
