"""CoAP over DTLS 1.2 as Scandium runs it under ThingsBoard: one association for each address.

OpenSSL does the cryptography. What differs from Scandium: no connection id, which a client of Mbed
TLS has none of anyway, and cipher suites without CCM.

A client certificate is wanted and not required, and no CA is asked: who has one is known by its
SHA3-256. A record from an address without an association is dropped without a word, and so is all
that was under way when the server restarted.
"""

import asyncio
import base64
import hashlib
import os
from pathlib import Path

from OpenSSL import SSL, crypto

from .messages import MessageLayer

MTU = 1024  # of handshake messages
LARGEST = 1130  # a larger datagram of a client is dropped
HEADER = 13  # of a record; its last two bytes are the length of what follows
HANDSHAKE, CLIENT_HELLO = 22, 1
BUFFER = 65536
CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384")
)
SWEEP_S = 0.25  # between two looks at what to repeat


def server_context(certificate: Path, key: Path) -> SSL.Context:
    """Return the server's side of all associations. certificate and key are PEM files."""
    context = SSL.Context(SSL.DTLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(key))
    context.set_cipher_list(CIPHERS.encode())
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_COOKIE_EXCHANGE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    cookie = os.urandom(16)
    context.set_cookie_generate_callback(lambda _: cookie)
    context.set_cookie_verify_callback(lambda _, shown: shown == cookie)
    return context


def credentials_id(certificate: crypto.X509) -> str:
    """Return what the server keeps of a certificate: SHA3-256 of its base64 text."""
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    return hashlib.sha3_256(base64.b64encode(der)).hexdigest()


class Association:
    """The server's side of one DTLS session. identity: the credentials id of the client's
    certificate, None before the handshake is over and without one.
    """

    def __init__(self, context: SSL.Context, repeat_s: float):
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.connection.set_ciphertext_mtu(MTU)
        self.identity: str | None = None
        self.repeat_s = repeat_s  # until the flight is repeated; doubles each time
        self.repeat_at: float | None = None  # None: nothing is to be repeated
        self._step = self._listen

    @property
    def established(self) -> bool:
        return self._step == self._read

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """Take a datagram and return the messages in it. Raises SSL.Error: it has ended."""
        self.connection.bio_write(datagram)
        messages: list[bytes] = []
        try:
            while True:
                self._step(messages, now)
        except SSL.WantReadError:
            return messages

    # Each does what is next, or raises WantReadError.

    def _listen(self, messages: list[bytes], now: float) -> None:
        self.connection.DTLSv1_listen()
        self._step = self._shake_hands

    def _shake_hands(self, messages: list[bytes], now: float) -> None:
        self.repeat_at = now + self.repeat_s
        self.connection.do_handshake()
        self.repeat_at = None
        certificate = self.connection.get_peer_certificate()
        self.identity = credentials_id(certificate) if certificate else None
        self._step = self._read

    def _read(self, messages: list[bytes], now: float) -> None:
        messages.append(self.connection.recv(BUFFER))

    def repeat(self, now: float) -> None:
        """Repeat a flight if that is due."""
        if self.repeat_at is not None and now >= self.repeat_at:
            self.repeat_s *= 2
            self.repeat_at = now + self.repeat_s
            self.connection.DTLSv1_handle_timeout()

    def outgoing(self) -> list[bytes]:
        """Return what is to be sent, in datagrams of whole records."""
        try:
            data = self.connection.bio_read(BUFFER)
        except SSL.WantReadError:
            return []
        datagrams = [b""]
        while data:
            end = HEADER + int.from_bytes(data[HEADER - 2 : HEADER], "big")
            if datagrams[-1] and len(datagrams[-1]) + end > MTU:
                datagrams.append(b"")
            datagrams[-1] += data[:end]
            data = data[end:]
        return datagrams


class SecureEndpoint(asyncio.DatagramProtocol):
    """The socket for DTLS, below a MessageLayer, which is handed what clients say."""

    def __init__(self, layer: MessageLayer, certificate: Path, key: Path):
        self.layer = layer
        self.context = server_context(certificate, key)
        self.associations: dict[tuple, Association] = {}  # by address
        self.transport: asyncio.DatagramTransport | None = None

    def forget(self) -> None:
        """A restart of the server."""
        self.associations.clear()

    def identity(self, address: tuple) -> str | None:
        """Return the credentials id of a client's certificate, None if it showed none."""
        association = self.associations.get(address)
        return association.identity if association else None

    def send(self, message: bytes, address: tuple) -> bool:
        """Send a message; False if there is no association with this address."""
        association = self.associations.get(address)
        if association is None:
            return False
        association.connection.send(message)
        self._flush(address, association)
        return True

    def connection_made(self, transport) -> None:
        self.transport = transport
        self._sweep()

    def datagram_received(self, data: bytes, address: tuple) -> None:
        seen = self.layer.link.nat.outward(address)
        self.layer.link.carry(True, len(data), lambda: self._receive(data, seen), self.layer.later)

    def _receive(self, data: bytes, address: tuple) -> None:
        if self.layer.deaf or len(data) > LARGEST:
            return
        begins = len(data) > HEADER and (data[0], data[HEADER]) == (HANDSHAKE, CLIENT_HELLO)
        association = self.associations.get(address)
        if association is None or begins and association.established:
            if not begins:
                return
            association = Association(self.context, self.layer.timing.flight)
            self.associations[address] = association
        try:
            messages = association.receive(data, self.layer.now())
        except SSL.Error:
            messages = []
            del self.associations[address]
        self._flush(address, association)
        for message in messages:
            self.layer.receive(message, address)

    def _flush(self, address: tuple, association: Association) -> None:
        for datagram in association.outgoing():
            self.layer.link.carry(
                False,
                len(datagram),
                lambda d=datagram: self._deliver(d, address),
                self.layer.later,
            )

    def _deliver(self, datagram: bytes, address: tuple) -> None:
        device = self.layer.link.nat.inward(address)
        if device and self.transport and not self.transport.is_closing():
            self.transport.sendto(datagram, device)

    def _sweep(self) -> None:
        if self.transport and not self.transport.is_closing():
            for address, association in list(self.associations.items()):
                association.repeat(self.layer.now())
                self._flush(address, association)
            self.layer.later(SWEEP_S, self._sweep)
