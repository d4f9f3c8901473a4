"""The store: all devices and profiles, the rules for client-side RPC, and the server's clock."""

import hashlib
import secrets
import string
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .devices import Device, Profile
from .errors import NotFound

if TYPE_CHECKING:
    from .packages import Package

ACCESS_TOKEN_LENGTH = 20


def random_text() -> str:
    """Return an access token or a device name as the server draws them."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(ACCESS_TOKEN_LENGTH))


class Store:
    """Everything the server keeps. on_shared_change(device, updated, deleted) may be set; it is
    called when shared attributes of any device changed. clock returns the seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self.profiles: list[Profile] = [Profile()]
        self.devices: dict[str, Device] = {}  # by name
        self.packages: dict[str, Package] = {}  # by id: uploaded, or assigned by a test
        self._by_token: dict[str, Device] = {}  # as last found: tokens change
        self.points_kept: int | None = None  # of telemetry, by each device made from now on
        # method: function(params) -> reply; the rule node "rpc call reply"
        self.rpc_rules: dict[str, Callable] = {}
        self.clock_ms: Callable[[], int] = lambda: int(clock() * 1000)
        self.on_shared_change: Callable[[Device, dict, list[str]], None] | None = None

    def add_profile(self, profile: Profile) -> Profile:
        self.profiles.append(profile)
        return profile

    def add_device(
        self, name: str, access_token: str | None = None, profile: Profile | None = None
    ) -> Device:
        """Add a device to a profile, the default one if None; without a token one is drawn.

        Raises ValueError if the name is taken.
        """
        if name in self.devices:
            raise ValueError(f"device {name} exists")
        token = random_text() if access_token is None else access_token
        device = Device(name, profile or self.profiles[0], token, self._shared_changed)
        device.points_kept = self.points_kept
        self.devices[name] = device
        self._by_token.setdefault(token, device)
        return device

    def device(self, id: str) -> Device:
        """Return the device with an id; NotFound."""
        return self._by_id(self.devices.values(), id)

    def profile(self, id: str) -> Profile:
        """Return the profile with an id; NotFound."""
        return self._by_id(self.profiles, id)

    @staticmethod
    def _by_id(entities: Iterable, id: str):
        for entity in entities:
            if entity.id == id:
                return entity
        raise NotFound(id)

    def rename(self, device: Device, name: str) -> None:
        self.devices[name] = self.devices.pop(device.name)
        device.name = name

    def by_access_token(self, access_token: str) -> Device | None:
        known = self._by_token.get(access_token)
        if known and known.has_token(access_token) and self.devices.get(known.name) is known:
            return known
        for device in self.devices.values():
            if device.has_token(access_token):
                self._by_token[access_token] = device
                return device
        return None

    def by_certificate(self, identity: str | None) -> Device | None:
        """Return the device whose certificate has this credentials id."""
        for device in self.devices.values():
            if device.credentials_type == "X509_CERTIFICATE":
                text = str(device.credentials_value)
                if hashlib.sha3_256(text.encode()).hexdigest() == identity:
                    return device
        return None

    def forget_rpcs(self) -> None:
        """A restart of the server."""
        for device in self.devices.values():
            device.forget_rpcs()

    def _shared_changed(self, device: Device, updated: dict, deleted: list[str]) -> None:
        if self.on_shared_change:
            self.on_shared_change(device, updated, deleted)
