# What Mbed TLS reads and writes in the place of a socket.
#
# It keeps from Mbed TLS all that would end an association without being authentic: empty
# datagrams, errors of the network stack, unencrypted records that somebody may have forged. And it
# hands over one record each turn, so that no step of a handshake is longer than one piece of
# cryptography (at most 0.9 s on an RP2040).

import io

from micropython import const

_BUFFER = const(1280)  # a block of 1024 bytes, its options and 37 bytes of DTLS
_SMALL = const(165)  # where memory is in pieces: a record of 128 bytes
_HEADER = const(13)  # of a record: type, version, epoch, number, length (RFC 6347 section 4.1)
_CHANGE_CIPHER = const(20)
_ALERT = const(21)
_HANDSHAKE = const(22)


class Wire(io.IOBase):
    """The records of a connected UDP socket, one each turn."""

    error = None  # of the network stack, since somebody looked last
    alert = None  # the description of the last one in clear, which anybody may have sent
    handshake = True  # while it lasts: records without encryption are expected
    _datagram = b""  # what is left of the last one

    def __init__(self, socket):
        self.socket = socket
        self._mine = True  # this turn's record was not handed over yet

    def turn(self):
        """Let the next record be read."""
        self._mine = True

    def readinto(self, buffer):
        while self._mine:
            if not self._datagram:
                try:
                    self._datagram = self._receive()
                except OSError:
                    return None  # nothing there, or an error that says nothing of the peer
                if not self._datagram:
                    return None
            record = self._take()
            if record:
                self._mine = False
                buffer[: len(record)] = record
                return len(record)
        return None

    def _receive(self):
        try:
            return self.socket.recv(_BUFFER)
        except MemoryError:  # the datagram waits still
            return self.socket.recv(_SMALL)

    def _take(self):
        # Return the next record of the datagram, b"" for one that is none or not wanted.
        datagram = self._datagram
        if len(datagram) < _HEADER:
            self._datagram = b""
            return b""
        end = _HEADER + (datagram[11] << 8 | datagram[12])
        self._datagram = datagram[end:]
        if end > len(datagram):
            return b""
        if datagram[3] or datagram[4]:  # the epoch: it is encrypted
            return datagram[:end]
        if datagram[0] == _ALERT and end == _HEADER + 2:
            self.alert = datagram[_HEADER + 1]
        wanted = self.handshake and datagram[0] in (_CHANGE_CIPHER, _HANDSHAKE)
        return datagram[:end] if wanted else b""

    def write(self, data):
        try:
            self.socket.send(bytes(data))
        except OSError as error:
            self.error = error  # as good as lost on the way
        return len(data)

    def ioctl(self, request, argument):
        return 0
