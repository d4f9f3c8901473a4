# The transport over DTLS 1.2 (RFC 6347): the interpreter's own Mbed TLS, in the module tls.
#
# Mbed TLS knows no socket here but a Wire, which hands it one record at a time.
#
# There is no resumption and no connection id in MicroPython: each new association is a full
# handshake from a new port. It is made in open(), which begins by dropping the old one: memory
# holds one (27 KB).

import asyncio
import errno
import gc
import sys
from time import ticks_add, ticks_diff, ticks_ms

import tls
from micropython import const

from .udp import UDPTransport, open_socket
from .wire import Wire

_BUFFER = const(1280)  # a datagram that fills it would have been cut
_SMALL = const(128)  # where memory is in pieces
_STEP_MS = const(20)  # between two steps of a handshake: others run, and a watchdog is fed
_HANDSHAKE_MS = const(30_000)  # both sides repeat what was lost, the server after 9 s
_ALERTED_MS = const(3000)  # for what comes after an alert that anybody may have sent
_PAUSE_MS = const(1000)  # from the begin of a handshake that failed to the next; doubles
_DOUBLINGS = const(5)  # to 32 s: silence takes about as long itself, so an outage pays nothing
_ROOM = const(36_000)  # bytes in one piece that a handshake takes of the interpreter's heap
_BLOCK_UP = const(512)  # what ThingsBoard's server takes is 1093 bytes of CoAP

# An Empty ACK for nothing (RFC 7252 section 4.3): whoever gets it ignores it.
_NOTHING = b"\x60\x00\x00\x00"


class HandshakeError(OSError):
    """There is no association with the server: an error number, and a text that says why."""


class Security:
    """Who we are and whom we trust; one object for the life of the program.

    trusted is the certificate of the CA or of the server itself; certificate and key are ours, or
    None: the access token says who we are. All are DER in bytes; the key is an EC key (SEC1 or
    PKCS#8), since an RSA key takes an RP2040 half a minute. name is what the server's certificate
    has to say; None: the host's name or number. psk is (identity, key) in bytes for servers with
    pre-shared keys, from MicroPython 1.29 on, and stands in the place of certificates. ciphers
    are Mbed TLS's names of cipher suites, such as "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256".
    Raises ValueError: the text names what is wrong.
    """

    def __init__(
        self, trusted=None, certificate=None, key=None, name=None, psk=None, ciphers=None
    ):
        if (certificate is None) != (key is None):
            raise ValueError("a certificate needs its key, and a key its certificate")
        if not (trusted or psk):
            raise ValueError("DTLS needs a trusted certificate")
        self.name = name
        self.context = context = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]  # not in the stub
        if ciphers:
            context.set_ciphers(ciphers)
        if psk:
            if not hasattr(context, "psk_identity"):
                raise ValueError("pre-shared keys need MicroPython 1.29")
            context.psk_identity, context.psk_key = psk  # type: ignore[attr-defined]  # the same
        if trusted:
            _load("trusted", context.load_verify_locations, trusted)
        if certificate:
            _load("certificate or key", context.load_cert_chain, certificate, key)


def _load(what, load, *files):
    for der in files:
        if der[:1] != b"\x30":  # an ASN.1 SEQUENCE
            raise ValueError(what + ": not DER" + (", but PEM" if der[:5] == b"-----" else ""))
    try:
        load(*files)
    except ValueError as error:
        raise ValueError("%s: %s" % (what, error))


class DTLSTransport(UDPTransport):
    """Datagrams to and from one host over DTLS; udp.py says what a transport promises.

    security is a Security. open() raises HandshakeError as well: the server's certificate does not
    do, the server did not take ours, it was silent for half a minute, or memory is short.
    """

    block_up = _BLOCK_UP
    # On RP2 Mbed TLS takes its memory from the interpreter's heap.
    room = _ROOM if sys.platform == "rp2" else 0

    _failures = 0  # handshakes in a row; anybody who forges records can see to that
    _begun = 0  # when the last one of them began
    _why = ()  # the arguments of its error
    _secure = None  # the SSLSocket
    _wire = None
    _cut = False  # Mbed TLS keeps the rest of the last record, which nobody wants

    def __init__(self, host, port, security, look_up=None):
        super().__init__(host, port, look_up)
        self.security = security

    async def open(self):
        """Look the name up and make an association with its next address. Raises OSError.

        Too soon after a handshake that failed its error comes again, and nothing is sent.
        """
        if self._failures:
            pause_ms = _PAUSE_MS << min(self._failures - 1, _DOUBLINGS)
            if 0 <= ticks_diff(ticks_ms(), self._begun) < pause_ms:
                raise HandshakeError(*self._why)
        error = OSError(errno.ENOENT)
        for number in await self._numbers():
            self._number = number
            try:
                wire = Wire(open_socket(number, self.address[1]))
                break
            except OSError as failure:
                error = failure
        else:
            raise error
        self.close()
        self._begun = ticks_ms()
        done = False
        try:
            secure = await self._shake_hands(wire)
            done = True
        except HandshakeError as failure:
            self._failures += 1
            self._why = failure.args
            raise
        finally:
            if not done:
                wire.socket.close()
        self._secure = secure
        self._wire = wire
        self._failures = 0
        self.pollable = wire.socket
        self.opened += 1

    async def _shake_hands(self, wire):
        end = ticks_add(ticks_ms(), _HANDSHAKE_MS)
        try:
            _make_room(self.room)
            secure = self.security.context.wrap_socket(
                wire,
                server_hostname=self.security.name or self.address[0],
                do_handshake_on_connect=False,
            )
            while not secure.write(_NOTHING):
                now = ticks_ms()
                if wire.alert is not None and ticks_diff(end, now) > _ALERTED_MS:
                    end = ticks_add(now, _ALERTED_MS)
                if ticks_diff(end, now) <= 0:
                    raise HandshakeError(errno.ETIMEDOUT, _silence(wire))
                await asyncio.sleep_ms(_STEP_MS)
                wire.turn()
        except HandshakeError:
            raise
        except (OSError, ValueError) as error:
            text = " ".join(str(error.args[-1]).split())
            raise HandshakeError(errno.ECONNABORTED, "DTLS handshake: " + text)
        wire.handshake = False
        return secure

    def send(self, datagram):
        """Send a datagram. Raises OSError: it is lost."""
        wire = self._wire
        try:
            self._secure.write(datagram)
        except (OSError, ValueError) as error:
            self.close()  # Mbed TLS has come to an end
            raise OSError(error.args[0])
        lost = wire.error
        if lost:
            wire.error = None
            raise lost

    def recv(self):
        """Return the next datagram, or None; the server's farewell closes the association.

        Where memory has no piece for a large one the small ones are heard, and b"" is the others.
        """
        secure = self._secure
        try:
            while self._cut and secure.recv(_SMALL):
                pass
            self._cut = False
            self._wire.turn()
            try:
                data = secure.recv(_BUFFER)
            except MemoryError:  # the record waits still
                data = secure.recv(_SMALL)
                self._cut = bool(data) and len(data) == _SMALL
        except (OSError, ValueError) as error:
            self.close()
            raise OSError(error.args[0])
        if data == b"":
            self.close()
            return None
        return b"" if self._cut else data

    def close(self):
        """Drop the association, if there is one."""
        self._secure = self._wire = None
        self._cut = False
        super().close()


def _silence(wire):
    # Why a handshake had no end, as far as anybody knows. RFC 5246 section 7.2 has the alerts.
    if wire.alert is not None:
        return "DTLS handshake: refused, alert %d" % wire.alert
    return "DTLS handshake: no answer" + (" (%s)" % wire.error if wire.error else "")


def _make_room(size):
    gc.collect()
    try:
        bytearray(size)
    except MemoryError:
        text = "DTLS wants %d bytes in one piece" % size
        raise HandshakeError(errno.ENOMEM, text)
    gc.collect()
