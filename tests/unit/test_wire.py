"""What Mbed TLS sees of a socket."""

import errno

from coap.wire import Wire
from rows import rows

ALERT, HANDSHAKE, DATA = 21, 22, 23


def record(kind, epoch, body):
    head = bytes((kind, 0xFE, 0xFD, epoch >> 8, epoch & 255)) + bytes(6)
    return head + bytes((len(body) >> 8, len(body) & 255)) + body


class Socket:
    """Hands out datagrams; an error in their place is raised. Memory has a piece of `room`."""

    room = 2000

    def __init__(self, *datagrams):
        self.datagrams = list(datagrams)
        self.sent = []

    def recv(self, size):
        if not self.datagrams:
            raise OSError(errno.EAGAIN)
        if size > self.room:
            raise MemoryError
        datagram = self.datagrams.pop(0)
        if isinstance(datagram, Exception):
            raise datagram
        return datagram[:size]

    def send(self, data):
        if data == b"refused":
            raise OSError(errno.ECONNREFUSED)
        self.sent.append(data)


def read(wire):
    """Return the next record, None if there is none."""
    buffer = bytearray(2000)
    n = wire.readinto(buffer)
    return None if n is None else bytes(buffer[:n])


def read_all(wire, turns=9):
    got = []
    for _ in range(turns):
        wire.turn()
        got.append(read(wire))
    return [each for each in got if each is not None]


HELLO = record(HANDSHAKE, 0, b"hello")
DONE = record(HANDSHAKE, 0, b"done")
SECRET = record(DATA, 1, b"secret")


def test_one_record_a_turn():
    wire = Wire(Socket(HELLO + DONE, SECRET))
    assert read(wire) == HELLO and read(wire) is None
    wire.turn()
    assert read(wire) == DONE and read(wire) is None
    wire.turn()
    assert read(wire) == SECRET


@rows(
    (b"",),
    (b"\x17",),
    (bytes(12),),
    (SECRET[:-1],),
    (record(ALERT, 0, b"\x02\x28"),),
    (record(DATA, 0, b"in clear"),),
    (record(99, 0, b"?"),),
    (OSError(errno.ECONNREFUSED),),
    (OSError(errno.ENOMEM),),
)
def test_what_nobody_vouches_for(datagram):
    wire = Wire(Socket(HELLO, datagram, SECRET, datagram, DONE))
    assert read_all(wire) == [HELLO, SECRET, DONE]


def test_junk_behind_a_record():
    wire = Wire(Socket(HELLO + b"\x17\xfe", SECRET))
    assert read_all(wire) == [HELLO, SECRET]


def test_small_records_are_heard_while_memory_is_in_pieces():
    wire = Wire(Socket(record(DATA, 1, bytes(152)), record(DATA, 1, bytes(153)), SECRET))
    wire.socket.room = 200
    assert [len(each) for each in read_all(wire)] == [165, len(SECRET)]


def test_after_the_handshake_all_is_encrypted():
    wire = Wire(Socket(HELLO, SECRET))
    wire.handshake = False
    assert read_all(wire) == [SECRET]


def test_alert_in_clear_is_kept_to_be_told():
    wire = Wire(Socket(record(ALERT, 0, b"\x02\x28"), record(ALERT, 1, b"\x01\x00")))
    assert len(read_all(wire)) == 1 and wire.alert == 40


def test_error_of_sending_is_kept():
    wire = Wire(Socket())
    assert wire.write(b"one") == 3 and wire.error is None
    assert wire.write(memoryview(b"refused")) == 7
    assert wire.error.args[0] == errno.ECONNREFUSED
    assert wire.socket.sent == [b"one"]
