"""The sensor on the bus of the board that soaks (owner/sensors.py asks this side)."""

from tools.soak.peer import Peer

ERRORS = ("OSError", "MemoryError", "ValueError")


class Sensor(Peer):
    """Answers each reading by b"" or, once for each that fail() was told, by an error's name."""

    def __init__(self):
        super().__init__()
        self._errors: list[str] = []

    def fail(self, error: str) -> None:
        """Have the next reading raise one of ERRORS."""
        self._errors.append(error)

    def answered(self, data: bytes) -> bytes:
        return self._errors.pop(0).encode() if self._errors else b""
