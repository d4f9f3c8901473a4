"""What the soak's own servers share: a UDP socket on loopback, served by a thread."""

import socket
import threading


class Peer:
    """`with` serves at self.port of 127.0.0.1; answered(data) returns the answer, or None."""

    def __init__(self):
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

    def answered(self, data: bytes) -> bytes | None:
        raise NotImplementedError

    def _run(self):
        while True:
            data, address = self._socket.recvfrom(512)
            if self._closing:
                return
            answer = self.answered(data)
            if answer is not None:
                self._socket.sendto(answer, address)
