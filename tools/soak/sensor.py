"""The sensor on the bus of the board that soaks (owner/sensors.py asks this side)."""

import socket
import threading

ERRORS = ("OSError", "MemoryError", "ValueError")


class Sensor:
    """`with Sensor() as sensor:` answers each reading, at sensor.port of loopback.

    The answer is b"" or, once for each that fail() was told, an error's name.
    """

    def __init__(self):
        self._errors: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def fail(self, error: str) -> None:
        """Have the next reading raise one of ERRORS."""
        self._errors.append(error)

    def _run(self):
        while True:
            _, address = self._socket.recvfrom(16)
            if self._closing:
                return
            self._socket.sendto(self._errors.pop(0).encode() if self._errors else b"", address)
