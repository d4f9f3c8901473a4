"""A device that is nothing but a UDP socket: sends datagrams in hex, reads the answers."""

import json
import socket

from aiocoap import Message
from aiocoap.numbers.types import CON


class Wire:
    """`up(hex)` sends, `down()` returns the next datagram; message ids of the server are compared
    as `....`.
    """

    def __init__(self, port: int, timeout: float = 2.0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(timeout)

    def up(self, text: str | bytes) -> None:
        self.socket.send(text if isinstance(text, bytes) else bytes.fromhex(text))

    def down(self) -> bytes:
        return self.socket.recv(4096)

    def expect(self, text: str) -> bytes:
        """Read a datagram and compare; `....` stands for any two bytes. Returns its message id."""
        got = self.down().hex()
        want = "".join(text.split())
        assert len(got) == len(want), f"{got} is not {want}"
        for i in range(0, len(want), 2):
            assert want[i] == "." or got[i : i + 2] == want[i : i + 2], f"{got} is not {want}"
        return bytes.fromhex(got[4:8])

    def ack(self, mid: bytes) -> None:
        self.up(b"\x60\x00" + mid)

    def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(4096)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(2.0)

    def close(self) -> None:
        self.socket.close()


class Peer:
    """A device that sends and reads whole messages through aiocoap's codec."""

    def __init__(self, port):
        self.wire = Wire(port)
        self.mid = 0x2000

    def ask(self, method, path, payload=b"", kind=CON, token=b"\x01", mid=None, **options):
        self.mid += 1
        request = Message(
            code=method, payload=payload, _mtype=kind, _mid=mid or self.mid, _token=token
        )
        request.opt.uri_path = path.split("/")
        for name, value in options.items():
            setattr(request.opt, name, value)
        self.wire.up(request.encode())
        return self.read()

    def read(self, acknowledge=True):
        try:
            message = Message.decode(self.wire.down())
        except TimeoutError:
            return None
        if message.mtype is CON and acknowledge:
            self.wire.ack(message.mid.to_bytes(2, "big"))
        return message

    def post(self, path, value, **how):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask(2, path, body, **how)

    def code(self, path, value, **how):
        response = self.post(path, value, **how)
        return response and response.code.dotted
