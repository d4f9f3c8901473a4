"""Devices in power-saving modes: when they can be reached, and what is held back meanwhile.

After each request a device can be reached for its profile's activity_ms. Then a PSM device sleeps
until its next request; an E_DRX device still gets one downlink.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..model.devices import Device


@dataclass
class Change:
    """Changes of shared attributes, merged while a device sleeps, but for deletions: those of the
    last change stay.
    """

    updated: dict = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)


class Sleep:
    """The server's knowledge of who sleeps."""

    def __init__(self, now: Callable[[], float]):
        self._now = now  # in seconds; it may jump by the time that a device slept
        self._last_request: dict[str, float] = {}  # device name: time
        self._paged: set[str] = set()  # names of devices with a downlink since their last request
        self._held: dict[str, Change] = {}  # device name: ...

    def forget(self) -> None:
        """A restart of the server."""
        self._last_request.clear()
        self._paged.clear()
        self._held.clear()

    def sleeps(self, device: Device) -> bool:
        """Whether a downlink has to wait for the device's next request."""
        mode = device.profile.power_mode
        if mode not in ("PSM", "E_DRX"):
            return False
        last = self._last_request.get(device.id, self._now())
        if (self._now() - last) * 1000 <= device.profile.activity_ms:
            return False
        return mode == "PSM" or device.id in self._paged

    def heard(self, device: Device) -> None:
        """A request came."""
        self._last_request[device.id] = self._now()
        self._paged.discard(device.id)

    def reached(self, device: Device) -> None:
        """A downlink went out."""
        self._paged.add(device.id)

    def hold(self, device: Device, updated: dict, deleted: list[str]) -> None:
        """Keep a change for the device's next request."""
        change = self._held.setdefault(device.id, Change())
        change.updated.update(updated)
        change.deleted = deleted

    def release(self, device: Device) -> Change | None:
        """Return what was held back, once."""
        return self._held.pop(device.id, None)
