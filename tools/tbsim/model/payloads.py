"""Payloads of a profile: JSON, or Protobuf with the server's default schemas or a user's own."""

import json
from typing import Protocol

from google.protobuf.message import Message

from .errors import BadRequest, ServerFault
from .protobuf import CLASSES, entries, parse, read, serialize, write
from .rpc import RPC
from .values import compact, in_hash_order, parse_json, parse_telemetry, parse_values


class Payloads(Protocol):
    """Bodies of a profile. The first five read a body and raise BadRequest or ServerFault, the
    others write one. now_ms is the server's time in Unix milliseconds.
    """

    def telemetry(self, body: bytes, now_ms: int) -> list[tuple[int, dict]]:
        """Return (time, values) of each object; one without a time gets now_ms."""

    def attributes(self, body: bytes) -> dict:
        """Return client attributes."""

    def claim(self, body: bytes) -> tuple[str, int]:
        """Return secret and duration in milliseconds."""

    def reply(self, body: bytes) -> dict:
        """Return the reply to a command."""

    def call(self, body: bytes) -> tuple[str, object]:
        """Return method and params of a client-side RPC."""

    def found(self, parts: dict[str, dict], several: bool, now_ms: int) -> bytes:
        """Write attributes that were asked for: {"client": {..}, "shared": {..}}; several: by more
        than one name.
        """

    def change(self, updated: dict, deleted: list[str], now_ms: int) -> bytes:
        """Write shared attributes that changed."""

    def command(self, rpc: RPC) -> bytes:
        """Write a command; ServerFault if the schema has no place for it."""

    def answer(self, value) -> bytes:
        """Write the answer to a client-side RPC."""


class JSONPayloads:
    """JSON as the server sends and takes it."""

    def telemetry(self, body: bytes, now_ms: int) -> list[tuple[int, dict]]:
        return parse_telemetry(body, now_ms)

    def attributes(self, body: bytes) -> dict:
        return parse_values(parse_json(body))

    def claim(self, body: bytes) -> tuple[str, int]:
        request = parse_json(body) if body else {}
        if not isinstance(request, dict):
            raise BadRequest("not an object")
        secret, duration_ms = request.get("secretKey", ""), request.get("durationMs", 0)
        if not isinstance(secret, (str, int, float)):
            raise ServerFault("no text")
        try:
            return str(secret), int(duration_ms)
        except (TypeError, ValueError, OverflowError):
            raise ServerFault("no number") from None

    def reply(self, body: bytes) -> dict:
        # Anything else trips the server: an exception that nobody catches.
        try:
            value = parse_json(body)
        except BadRequest:
            raise ServerFault("malformed") from None
        if not isinstance(value, dict):
            raise ServerFault("not an object")
        return value

    def call(self, body: bytes) -> tuple[str, object]:
        request = self.reply(body)
        if request.get("method") is None:
            raise ServerFault("no method")
        return str(request["method"]), request.get("params")

    def found(self, parts: dict[str, dict], several: bool, now_ms: int) -> bytes:
        return compact({name: in_hash_order(part) for name, part in parts.items()})

    def change(self, updated: dict, deleted: list[str], now_ms: int) -> bytes:
        return compact({**updated, "deleted": deleted} if deleted else updated)

    def command(self, rpc: RPC) -> bytes:
        return compact({"id": rpc.id, "method": rpc.method, "params": rpc.params})

    def answer(self, value) -> bytes:
        return compact(value)


class ProtobufPayloads:
    """proto3 as the server sends and takes it, with a profile's four schemas: message classes."""

    def __init__(
        self,
        telemetry: type[Message] = CLASSES["SensorDataReading"],
        attributes: type[Message] = CLASSES["SensorConfiguration"],
        request: type[Message] = CLASSES["RpcRequestMsg"],
        response: type[Message] = CLASSES["RpcResponseMsg"],
    ):
        self._telemetry = telemetry
        self._attributes = attributes
        self._request = request
        self._response = response

    def telemetry(self, body: bytes, now_ms: int) -> list[tuple[int, dict]]:
        return parse_telemetry(compact(parse(self._telemetry, body)), now_ms)

    def attributes(self, body: bytes) -> dict:
        return parse_values(parse(self._attributes, body))

    def claim(self, body: bytes) -> tuple[str, int]:
        request = read("ClaimDevice", body)
        return request.get("secretKey", ""), int(request.get("durationMs", 0))

    def reply(self, body: bytes) -> dict:
        return parse(self._response, body)

    def call(self, body: bytes) -> tuple[str, object]:
        request = read("RpcRequest", body)
        try:
            return request.get("method", ""), json.loads(request.get("params") or "null")
        except (ValueError, RecursionError):
            raise ServerFault("params") from None

    def found(self, parts: dict[str, dict], several: bool, now_ms: int) -> bytes:
        lists = {f"{name}AttributeList": entries(part, now_ms) for name, part in parts.items()}
        return write("GetAttributeResponseMsg", {**lists, "isMultipleAttributesRequest": several})

    def change(self, updated: dict, deleted: list[str], now_ms: int) -> bytes:
        change = {"sharedUpdated": entries(updated, now_ms), "sharedDeleted": deleted}
        return write("AttributeUpdateNotificationMsg", change)

    def command(self, rpc: RPC) -> bytes:
        command = {"method": rpc.method, "requestId": rpc.id}
        if rpc.params is not None:
            if not isinstance(rpc.params, str):
                raise ServerFault("the default schema takes params as a string only")
            command["params"] = rpc.params
        return serialize(self._request, command)

    def answer(self, value) -> bytes:
        return write("ToServerRpcResponseMsg", {"payload": compact(value).decode()})
