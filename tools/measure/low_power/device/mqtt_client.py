# A client of MQTT 3.1.1 that writes to its socket just as micropython-lib's umqtt.simple does:
# each field by itself, and lets TCP put them together. No registry has that client in a form that
# can be installed. QoS 0 and 1; what comes by itself is left unread.

import socket
import struct

_CONNECT = b"\x10"
_PUBLISH = 0x30
_PUBACK = 0x40
_SUBSCRIBE = 0x82
_SUBACK = 0x90
_DISCONNECT = b"\xe0\x00"
_NAME = b"\x04MQTT\x04"  # the end of the protocol's name, and its level
_CLEAN = 0x02
_USER_AND_PASSWORD = 0xC0


class Client:
    """One connection, blocking. user is the device's access token; tls is an SSLContext."""

    def __init__(self, host, port, name, user, tls=None):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo(host, port)[0][-1])
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=host)
        self.id = 0
        size = 10 + 2 + len(name) + 2 + len(user) + 2
        self.sock.write(_CONNECT + _length(size) + b"\x00")
        self.sock.write(_NAME + bytes([_CLEAN | _USER_AND_PASSWORD, 0, 0]))
        for text in (name, user, ""):
            self._write_text(text)
        answer = self._read()
        if answer[0] != 0x20 or answer[3]:
            raise OSError("the broker refuses: %s" % answer)

    def subscribe(self, topic):
        """Subscribe with QoS 0, and wait for the acknowledgement."""
        self.id += 1
        size = 2 + 2 + len(topic) + 1
        self.sock.write(struct.pack("!BBH", _SUBSCRIBE, size, self.id))
        self._write_text(topic)
        self.sock.write(b"\x00")
        self._expect(_SUBACK)

    def publish(self, topic, payload, qos=0):
        """Publish; with QoS 1 wait for the acknowledgement."""
        size = 2 + len(topic) + len(payload) + 2 * qos
        self.sock.write(bytes([_PUBLISH | qos << 1]) + _length(size))
        self._write_text(topic)
        if qos:
            self.id += 1
            self.sock.write(struct.pack("!H", self.id))
        self.sock.write(payload)
        if qos:
            self._expect(_PUBACK)

    def disconnect(self):
        """Say so and close."""
        self.sock.write(_DISCONNECT)
        self.sock.close()

    def _write_text(self, text):
        self.sock.write(struct.pack("!H", len(text)))
        self.sock.write(text)

    def _expect(self, kind):
        answer = self._read()
        if answer[0] != kind or answer[2] << 8 | answer[3] != self.id:
            raise OSError("the broker said %s" % answer)

    def _read(self):
        # All answers here are shorter than 128 bytes: their length is one byte.
        head = self.sock.read(2)
        if len(head) < 2:
            raise OSError("the broker closed the connection")
        return head + self.sock.read(head[1])


def _length(size):
    encoded = b""
    while size > 0x7F:
        encoded += bytes([size & 0x7F | 0x80])
        size >>= 7
    return encoded + bytes([size])
