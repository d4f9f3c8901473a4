# The message and request layers of a client for one peer (RFC 7252 sections 4 and 5), sans-I/O.
#
# The caller moves datagrams, hands in the time and sleeps: after each call, send next_datagram() until None, take
# next_event() until None, and call handle_timeout() after timeout_ms(). `now` is wrapping ticks_ms. A deadline is set
# once and compared only by ticks_diff(), right while instants are less than 2**29 ms apart; none is kept longer.
#
# Congestion (section 4.7, in the manner of TCP): at most `window` bulk requests await an answer, and one more of
# any other kind. The window starts at 1, grows by 1 with each answer and halves once per window with a loss.

import errno
from binascii import crc32

from micropython import const

from .message import ACK, BLOCK1, BLOCK2, CON, NON, OBSERVE, RST, Message, MessageError, decode
from .observe import FRESH_MS, goes_on

_HALF_MS = const(1 << 29)  # half the period of ticks_ms on boards
_MIN_CON_MS = const(1000)  # floors of the first timeout once round trips have been measured
_MIN_NON_MS = const(200)
_MAX_BACKOFF_MS = const(8000)  # of what a loss leaves behind for the next request
_SEEN = const(16)  # datagrams remembered against duplicates

# Where an exchange stands.
_QUEUED = const(0)  # waits for its turn to be sent
_SENT = const(1)  # counts as outstanding until acknowledged, answered or given up
_DUE = const(2)  # as _SENT; is to be sent again with the same message id
_WAITING = const(3)  # acknowledged, or a NON that is late: only the deadline is left
_OBSERVING = const(4)  # answered; further answers are notifications
_DONE = const(5)


class ResetError(OSError):
    """The peer answered with a Reset: it does not know what we mean (RFC 7252 section 4.2)."""

    def __init__(self):
        super().__init__(errno.ECONNRESET)


def ticks_diff(a, b):
    """Return a - b in milliseconds for wrapping instants less than 2**29 ms apart."""
    return (a - b + _HALF_MS & 2 * _HALF_MS - 1) - _HALF_MS


class Exchange:
    """One request and everything answered under its token."""

    def __init__(self, datagram, deadline, freshness, bulk):
        self.datagram = datagram  # bytearray; its message id is written when it is sent
        self.token = bytes(datagram[4 : 4 + (datagram[0] & 15)])
        self.deadline = deadline  # gives up then; while observing: the last notification is old then
        self.freshness = freshness  # of an observation, or None
        self.bulk = bulk  # part of a download: window, and sent again with a new message id
        self.state = _QUEUED
        self.message_id = None  # of the last datagram sent; None before
        self.serial = 0  # that datagram's place in the order of all requests sent
        self.sent_at = 0  # and its time; meaningful while _SENT or _DUE
        self.resend_at = 0
        self.timeout_ms = 0  # from sent_at to resend_at; doubles with each repetition of a CON
        self.repeated = False  # then an answer tells nothing about the round trip (Karn)
        self.receiver = None  # the driver's own: who is told


class Endpoint:
    """Exchanges with one peer.

    random(n) returns n random bytes. ack_timeout_ms and max_retransmit are RFC 7252's (section 4.8); they hold until a
    round trip was measured, then the timeout follows it (RFC 6298). An exchange gives up by time alone.
    """

    def __init__(self, random, ack_timeout_ms=2000, max_retransmit=4, window_limit=3):
        self._random = random
        self._ack_timeout_ms = ack_timeout_ms
        # MAX_TRANSMIT_WAIT, section 4.8.2, with ACK_RANDOM_FACTOR 1.5
        self.max_transmit_wait_ms = ack_timeout_ms * ((2 << max_retransmit) - 1) * 3 // 2
        self._message_id = int.from_bytes(random(2), "big")
        self._exchanges = []
        self._control = []  # acknowledgements and resets to be sent
        self._events = []
        self._seen = [None] * _SEEN  # CRC32 (it covers the message id) of the last datagrams taken
        self._seen_at = 0
        self._srtt = 0  # smoothed round trip * 8; 0: none measured
        self._rttvar = 0  # its mean deviation * 4
        self._backoff = 0  # doublings of the timeout since the last clean round trip
        self._serial = 0  # requests sent
        self._recovered = 0  # losses of requests with a smaller serial belong to one that was counted
        self._silent = 0  # windows lost since anything was heard
        self.window = 1
        self.window_limit = window_limit
        # What went wrong, for the user to read.
        self.malformed = 0  # datagrams that are no message
        self.unexpected = 0  # messages that answer nothing of ours
        self.duplicates = 0  # messages that had come before
        self.stale = 0  # notifications older than the last
        self.retransmissions = 0

    def request(self, message, now, timeout_ms=None, freshness=None, bulk=False):
        """Queue a request (or, with an Empty CON, a ping) and return its Exchange.

        Gives the message a random token unless it has one. The exchange ends with ETIMEDOUT timeout_ms
        (default MAX_TRANSMIT_WAIT) from now; an empty ACK does not stop that clock. With freshness (observe.Freshness) the exchange
        stays for notifications. Raises ValueError for a message that cannot be encoded.
        """
        if message.code and not message.token:
            message.token = self._random(4)
        if timeout_ms is None:
            timeout_ms = self.max_transmit_wait_ms
        exchange = Exchange(message.encode(), now + timeout_ms, freshness, bulk)
        self._exchanges.append(exchange)
        return exchange

    def cancel(self, exchange):
        """Forget an exchange; what still comes for it is answered with a Reset."""
        if exchange.state != _DONE:
            exchange.state = _DONE
            self._exchanges.remove(exchange)

    def abort(self, error):
        """End every exchange with this error."""
        while self._exchanges:
            self._end(self._exchanges[0], error)

    def next_datagram(self, now):
        """Return the next datagram to send, or None."""
        if self._control:
            return self._control.pop(0)
        outstanding = 0
        for exchange in self._exchanges:
            if exchange.state in (_SENT, _DUE):
                outstanding += 1
        for exchange in self._exchanges:
            if exchange.state == _DUE or (
                exchange.state == _QUEUED
                and outstanding < self.window + (not exchange.bulk)
            ):
                return self._send(exchange, now)

    def next_event(self):
        """Return (exchange, outcome), or None.

        An outcome is a Message: a response, a notification or, for a ping, the Reset; None: an empty ACK came, the response comes
        later or never; or the exception that ended the exchange: OSError ETIMEDOUT or ResetError.
        """
        return self._events.pop(0) if self._events else None

    def timeout_ms(self, now):
        """Return in how many milliseconds handle_timeout() is due (0: at once), or None."""
        result = None
        for exchange in self._exchanges:
            deadline = exchange.deadline
            if exchange.state == _OBSERVING and exchange.freshness.aged:
                continue
            if exchange.state == _SENT and ticks_diff(exchange.resend_at, deadline) < 0:
                deadline = exchange.resend_at
            left = max(0, ticks_diff(deadline, now))
            if result is None or left < result:
                result = left
        return result

    def handle_timeout(self, now):
        """Do what is due by now: repeat, give up, let notifications age."""
        for exchange in self._exchanges[:]:
            state = exchange.state
            if state == _OBSERVING:
                freshness = exchange.freshness
                freshness.aged = freshness.aged or ticks_diff(now, exchange.deadline) >= 0
            elif ticks_diff(now, exchange.deadline) >= 0:
                self._end(exchange, OSError(errno.ETIMEDOUT))
            elif state == _SENT and ticks_diff(now, exchange.resend_at) >= 0:
                if self._lost(exchange):
                    self._silent += 1
                    self._backoff += 1
                exchange.repeated = True
                if not exchange.datagram[0] & 0x30:  # CON
                    exchange.state = _DUE
                    exchange.timeout_ms *= 2
                else:
                    exchange.state = _QUEUED if exchange.bulk else _WAITING

    def receive_datagram(self, data, now):
        """Take one datagram from the peer; never raises for what the peer sends."""
        try:
            message = decode(data)
        except MessageError:
            self.malformed += 1
            return
        type = message.type
        if type >= ACK:
            exchange = self._find(None, message.message_id)
            code = message.code
            if not exchange or code and (
                type == RST or code < 32 or message.token != exchange.token
            ):
                self.unexpected += 1
            elif type == RST and exchange.datagram[1]:
                self._answered(exchange, now)
                self._end(exchange, ResetError())
            elif not code and exchange.datagram[1]:
                if exchange.state < _WAITING:
                    self._answered(exchange, now)
                    exchange.state = _WAITING
                    self._events.append((exchange, None))
            else:
                self._deliver(exchange, message, now)
            return
        crc = crc32(data)
        if crc in self._seen:
            self.duplicates += 1
            self._reply(ACK, message)
            return
        exchange = self._find(message.token) if message.code > 31 else None
        if not exchange or not _understood(message):
            self.unexpected += 1
            self._reply(RST, message)
            return
        self._reply(ACK, message)
        if type == CON or exchange.freshness:
            self._seen[self._seen_at] = crc
            self._seen_at = (self._seen_at + 1) % _SEEN
        self._deliver(exchange, message, now)

    def _find(self, token, message_id=None):
        for exchange in self._exchanges:
            if message_id is None:
                if exchange.token == token and exchange.datagram[1]:
                    return exchange
            elif exchange.message_id == message_id and exchange.state != _OBSERVING:
                return exchange

    def _reply(self, type, message):
        # RFC 7252 section 4.3: a NON is not acknowledged, and to reject it silence is enough.
        if message.type == CON:
            self._control.append(Message(type=type, message_id=message.message_id).encode())

    def _deliver(self, exchange, message, now):
        if not _understood(message):
            self.unexpected += 1
            return
        self._answered(exchange, now)
        freshness = exchange.freshness
        if freshness and goes_on(message):
            exchange.state = _OBSERVING
            if freshness.take(message):
                exchange.deadline = now + FRESH_MS
                self._events.append((exchange, message))
            else:
                self.stale += 1
        else:
            self._end(exchange, message)

    def _end(self, exchange, outcome):
        self.cancel(exchange)
        self._events.append((exchange, outcome))

    def _send(self, exchange, now):
        datagram = exchange.datagram
        if exchange.bulk and self._silent > 1:
            # Two windows without a sign of life: probe with one CON (PROBING_RATE, section 4.7).
            datagram[0] &= 0xCF
        con = not datagram[0] & 0x30
        if exchange.state == _QUEUED:
            self._message_id = (self._message_id + 1) & 0xFFFF
            exchange.message_id = self._message_id
            datagram[2] = self._message_id >> 8
            datagram[3] = self._message_id & 255
            exchange.timeout_ms = self._first_timeout_ms(con)
        self.retransmissions += exchange.repeated
        exchange.state = _SENT
        exchange.sent_at = now
        exchange.resend_at = now + exchange.timeout_ms
        self._serial += 1
        exchange.serial = self._serial
        return datagram

    def _first_timeout_ms(self, con):
        if self._srtt:
            floor = _MIN_CON_MS if con else _MIN_NON_MS
            base = max(floor, (self._srtt >> 3) + self._rttvar)
        else:
            base = self._ack_timeout_ms
        timeout_ms = min(base << min(self._backoff, 6), max(base, _MAX_BACKOFF_MS))
        if con:  # ACK_RANDOM_FACTOR 1.5
            timeout_ms += timeout_ms * self._random(1)[0] >> 9
        return timeout_ms

    def _answered(self, exchange, now):
        # The peer reacted to a request.
        self._silent = 0
        if exchange.state not in (_SENT, _DUE):
            return
        self.window = min(self.window + 1, self.window_limit)
        if not exchange.repeated:
            sample = max(1, ticks_diff(now, exchange.sent_at))
            if self._srtt:
                error = sample - (self._srtt >> 3)
                self._srtt += error
                self._rttvar += abs(error) - (self._rttvar >> 2)
            else:
                self._srtt = sample << 3
                self._rttvar = sample << 1
            self._backoff = 0
        if exchange.bulk:
            for other in self._exchanges:
                if other.bulk and other.state == _SENT and other.serial < exchange.serial:
                    # Overtaken by an answer to a later request: taken for lost, asked again at once.
                    self._lost(other)
                    other.repeated = True
                    other.state = _QUEUED

    def _lost(self, exchange):
        # Halves the window; False if this loss belongs to a window that was halved already.
        if exchange.serial <= self._recovered:
            return False
        self._recovered = self._serial
        self.window = max(1, self.window >> 1)
        return True


def _understood(message):
    # An unknown critical (odd) option rejects the message (section 5.4.1).
    for number, _ in message.options:
        if number & 1 and number not in (BLOCK1, BLOCK2):
            return False
    return True
