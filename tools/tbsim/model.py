"""ThingsBoard's back end: devices, attributes, telemetry, RPC. Knows no CoAP; never blocks.

Behaviour follows ThingsBoard 4.4 (JsonConverter, DeviceActorMessageProcessor,
DeviceProvisionServiceImpl).
"""

import itertools
import json
import secrets
import string
import time
from dataclasses import dataclass, field

ACCESS_TOKEN_LENGTH = 20
CLAIM_DURATION_MS = 86_400_000  # security.claim.duration


class BadRequest(Exception):
    """The body is refused: 4.00."""


class ServerFault(Exception):
    """The server trips over the body: 5.00."""


def random_text(length: int = ACCESS_TOKEN_LENGTH) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def parse_json(body: bytes):
    """Return the JSON value of a body as Gson reads it; NaN and Infinity become strings."""
    try:
        return json.loads(body.decode(), parse_constant=str)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def stored_value(value):
    """Return a telemetry or attribute value as the server stores it; BadRequest if it does not."""
    if isinstance(value, str):  # transport.json.type_cast_enabled
        try:
            return int(value) if abs(int(value)) < 1 << 63 else value
        except ValueError:
            try:
                return float(value) if value.strip("+-.eE0123456789") == "" else value
            except ValueError:
                return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return str(value)
    return value


def parse_values(value) -> dict:
    if not isinstance(value, dict):
        raise BadRequest("not an object")
    return {k: stored_value(v) for k, v in value.items() if v is not None}


def parse_ts(value) -> int:
    if isinstance(value, list):
        if len(value) != 1:
            raise BadRequest("ts")
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ServerFault("ts")
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except ValueError:
        raise ServerFault("ts") from None


def parse_telemetry(body: bytes, now_ms: int) -> list[tuple[int, dict]]:
    """Return [(ts, values)] of a telemetry body; empty for `[]`, which is never answered."""
    value = parse_json(body)
    points = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            raise BadRequest("not an object")
        if "ts" in item and "values" in item:
            points.append((parse_ts(item["ts"]), parse_values(item["values"])))
        else:
            points.append((now_ms, parse_values(item)))
    return points


@dataclass
class Profile:
    """A device profile. strategy: DISABLED, ALLOW_CREATE_NEW_DEVICES or
    CHECK_PRE_PROVISIONED_DEVICES.
    """

    name: str = "default"
    provision_key: str = ""
    provision_secret: str = ""
    strategy: str = "DISABLED"
    transport: str = "DEFAULT"  # DEFAULT, COAP, EFENTO; any other cannot speak CoAP
    payload: str = "JSON"  # or PROTOBUF, with the default schemas
    power_mode: str = "DRX"  # DRX, PSM, E_DRX
    activity_ms: int = 10_000  # psmActivityTimer or pagingTransmissionWindow
    packages: dict = field(default_factory=dict)  # "fw" and "sw": ota.Package


@dataclass
class RPC:
    """One command to a device. status as in RpcStatus; history keeps every status it had."""

    id: int
    method: str
    params: object
    two_way: bool
    persistent: bool
    on_done: object = None  # called once with this RPC
    response: object = None
    history: list[str] = field(default_factory=lambda: ["QUEUED"])
    done: bool = False

    @property
    def status(self) -> str:
        return self.history[-1]

    def becomes(self, status: str) -> None:
        if self.status != status and not self.done:
            self.history.append(status)

    def finish(self, status: str, response=None) -> None:
        if not self.done:
            self.becomes(status)
            self.response = response
            self.done = True
            if self.on_done:
                self.on_done(self)


class Device:
    """A device of the store. `watcher` is told of what must go down to it."""

    def __init__(self, name: str, profile: Profile, access_token: str | None):
        self.name = name
        self.profile = profile
        self.access_token = access_token
        self.credentials_type = "ACCESS_TOKEN"
        self.credentials_value: object = access_token
        self.client_attributes: dict = {}
        self.shared_attributes: dict = {}
        self.server_attributes: dict = {}
        self.telemetry: list[tuple[int, str, object]] = []
        self.posts = 0  # telemetry messages received
        self.claims: list[dict] = []
        self.calls: list[tuple[str, object]] = []  # client-side RPC
        self.rpc_ids = itertools.count()
        self.rpcs: dict[int, RPC] = {}
        self.packages: dict = {}  # "fw" and "sw": ota.Package; goes before the profile's
        self.watcher = None

    def save_telemetry(self, points: list[tuple[int, dict]]) -> None:
        self.posts += 1
        for ts, values in points:
            self.telemetry += [(ts, key, value) for key, value in values.items()]

    def latest(self) -> dict:
        """Return {key: value} of the newest points."""
        return {key: value for _, key, value in sorted(self.telemetry, key=lambda p: p[0])}

    def set_shared(self, values: dict) -> None:
        self.shared_attributes.update(values)
        if self.watcher:
            self.watcher.attributes_changed(self, values, [])

    def delete_shared(self, keys: list[str]) -> None:
        for key in keys:
            self.shared_attributes.pop(key, None)
        if self.watcher:
            self.watcher.attributes_changed(self, {}, list(keys))

    def read_attributes(self, client_keys, shared_keys) -> dict:
        """Return {"client": {..}, "shared": {..}} without empty parts; both None asks for
        everything.
        """
        if client_keys is None and shared_keys is None:
            client, shared = self.client_attributes, self.shared_attributes
        else:
            client = {k: v for k, v in self.client_attributes.items() if k in (client_keys or ())}
            shared = {k: v for k, v in self.shared_attributes.items() if k in (shared_keys or ())}
        parts = {"client": dict(client), "shared": dict(shared)}
        return {name: part for name, part in parts.items() if part}

    def start_rpc(self, method, params, two_way, persistent, on_done) -> RPC:
        rpc = RPC(next(self.rpc_ids), method, params, two_way, persistent, on_done)
        self.rpcs[rpc.id] = rpc
        return rpc

    def reply(self, rpc_id: int, response) -> None:
        rpc = self.rpcs.get(rpc_id)
        if rpc and (rpc.two_way or rpc.persistent):
            rpc.finish("SUCCESSFUL", response)

    def claim(self, secret: str, duration_ms: int) -> None:
        """Remember a claim; while one is pending the first stays (put-if-absent)."""
        self.claims.append({"secretKey": secret, "durationMs": duration_ms or CLAIM_DURATION_MS})


class Store:
    """All devices and profiles, and the server's clock."""

    def __init__(self):
        self.profiles: list[Profile] = [Profile()]
        self.devices: dict[str, Device] = {}
        self.clock_ms = lambda: time.time_ns() // 1_000_000

    def add_profile(self, name: str, **settings) -> Profile:
        profile = Profile(name, **settings)
        self.profiles.append(profile)
        return profile

    def add_device(self, name: str, access_token: str | None = None, profile=None) -> Device:
        if name in self.devices:
            raise ValueError(f"device {name} exists")
        token = random_text() if access_token is None else access_token
        device = Device(name, profile or self.profiles[0], token)
        self.devices[name] = device
        return device

    def by_token(self, access_token: str) -> Device | None:
        for device in self.devices.values():
            if device.credentials_type == "ACCESS_TOKEN" and device.access_token == access_token:
                return device
        return None

    def forget_rpcs(self) -> None:
        """A restart: ids begin at 0 again, and only persistent commands are still known."""
        for device in self.devices.values():
            device.rpc_ids = itertools.count()
            device.rpcs = {}
