"""What devices reported, read once: the points since the last look, and the newest of each key.

All of it happens in the simulator's thread.
"""

from ...model.devices import Device, Point


class Reader:
    """Goes along a device's telemetry."""

    def __init__(self, device: Device):
        self._device = device
        self._position = 0  # counted from the device's first point

    def new(self) -> list[Point]:
        """Return the points that came since the last call."""
        device = self._device
        start = self._position - device.forgotten
        if not 0 <= start <= len(device.telemetry):  # some were forgotten
            start = 0
        self._position = device.forgotten + len(device.telemetry)
        return device.telemetry[start:]


class Newest:
    """The newest point of each key of many devices, for whoever asks often."""

    def __init__(self):
        self._readers: dict[str, tuple[Reader, dict[str, Point]]] = {}  # by a device's id

    def of(self, device: Device) -> dict[str, Point]:
        """Return {key: point}."""
        if device.id not in self._readers:
            self._readers[device.id] = Reader(device), {}
        reader, newest = self._readers[device.id]
        for point in reader.new():
            if point.key not in newest or newest[point.key].ts <= point.ts:
                newest[point.key] = point
        return newest
