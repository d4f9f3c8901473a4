# The message and request layers of a client for one peer (RFC 7252 sections 4 and 5), sans-I/O.
#
# The caller moves datagrams, hands in the time and sleeps: after each call, send next_datagram()
# until None, take next_event() until None, and call handle_timeout() when it said. `now` is
# wrapping ticks_ms. A deadline is set once and compared by ticks_diff() only, which is right below
# 2**29 ms; nothing older is kept.
#
# Congestion (section 4.7, in the manner of TCP): at most `window` bulk requests await an answer,
# and one more of any other kind, or one that was overtaken. The window starts at 1, grows by 1
# with each answer and halves once per window with a loss.

import errno
from binascii import crc32

from micropython import const

from .message import MessageError, decode
from .observe import FRESH_MS, goes_on, is_newer

_CON = const(0)
_ACK = const(2)
_RST = const(3)
_TYPE = const(0x30)  # its bits in the first byte of a datagram; none set: CON
_BLOCK2 = const(23)
_BLOCK1 = const(27)
_OBSERVE = const(6)

_HALF_MS = const(1 << 29)  # half the period of ticks_ms on boards
_MIN_CON_MS = const(1000)  # floors of the first timeout once round trips have been measured
_MIN_NON_MS = const(200)
_MAX_BACKOFF_MS = const(8000)  # of what a loss leaves behind for the next request
_SEEN = const(16)  # datagrams remembered against duplicates

# Where an exchange stands.
_QUEUED = const(0)  # waits for its turn to be sent, or to be sent again
_SENT = const(1)  # outstanding: not yet acknowledged, answered or taken for lost
_WAITING = const(2)  # acknowledged, or a NON that is late: only the deadline is left
_OBSERVING = const(3)  # answered; further answers are notifications


class ResponseError(Exception):
    """The server said no, or ended an observation; code is an int, payload bytes."""

    def __init__(self, response):
        self.code = response.code
        self.payload = response.payload

    def __str__(self):
        return "%d.%02d" % (self.code >> 5, self.code & 31)


class ResetError(OSError):
    """The peer answered with a Reset: it does not know what we mean (RFC 7252 section 4.2)."""


def ticks_diff(a, b):
    """Return a - b in milliseconds for wrapping instants less than 2**29 ms apart."""
    return (a - b + _HALF_MS & 2 * _HALF_MS - 1) - _HALF_MS


class Exchange:
    """One request and everything answered under its token.

    Set when a datagram is sent: message_id; serial, its place in the order of all; timeout_ms,
    which doubles with each repetition of a CON; resend_at, when that is over. receiver is the
    driver's own.
    """

    # Defaults stand in the class: an instance takes RAM only for what differs.
    observe = None  # for an observation: whether only fresh notifications count
    bulk = False  # part of a download: window, and sent again with a new message id
    state = _QUEUED
    message_id = None
    number = None  # Observe value of the last fresh notification; None before, and FRESH_MS after
    repeated = 0  # if not 0, an answer tells nothing about the round trip (Karn)

    def __init__(self, datagram, token, deadline):
        self.datagram = datagram  # its message id is written when it is sent
        self.token = token
        self.deadline = deadline  # gives up then; while observing: the last notification is old


class Endpoint:
    """Exchanges with one peer.

    random(n) returns n random bytes. ack_timeout_ms is RFC 7252's (section 4.8) and holds until a
    round trip was measured; then the timeout follows that (RFC 6298). An exchange gives up by
    time alone, not by a number of tries.
    """

    # What went wrong, for the user to read.
    malformed = 0  # datagrams that are no message
    unexpected = 0  # messages that answer nothing of ours
    duplicates = 0  # messages that had come before
    stale = 0  # notifications older than the last
    retransmissions = 0

    window = 1
    _srtt = 0  # smoothed round trip * 8; 0: none measured
    _rttvar = 0  # its mean deviation * 4
    _backoff = 0  # doublings of the timeout since the last clean round trip
    _serial = 0  # datagrams sent
    _halved = 0  # losses up to this serial belong to a window that was halved already
    _silent = 0  # windows lost since anything was heard

    def __init__(self, random, ack_timeout_ms=2000, window_limit=3):
        self._random = random
        self._ack_timeout_ms = ack_timeout_ms
        self.window_limit = window_limit
        self._message_id = int.from_bytes(random(2), "big")
        self.exchanges = []  # under way, oldest first
        self._replies = []  # acknowledgements and resets to be sent
        self._events = []
        self._seen = [None] * _SEEN  # CRC32 (it covers the message id) of the last messages taken

    def request(self, message, now, timeout_ms=93_000, observe=None, bulk=False):
        """Queue a request (an Empty CON: a ping) and return its Exchange.

        Gives the message a random token unless it has one. The exchange ends with ETIMEDOUT
        timeout_ms (default: MAX_TRANSMIT_WAIT) from now; an empty ACK does not stop that clock.
        With observe it stays for notifications: True for fresh ones, False for all.
        Raises ValueError for a message that cannot be encoded.
        """
        if message.code and not message.token:
            message.token = self._random(4)
        exchange = Exchange(message.encode(), message.token, now + timeout_ms)
        exchange.observe = observe
        exchange.bulk = bulk
        self.exchanges.append(exchange)
        return exchange

    def cancel(self, exchange, outcome=None):
        """Forget an exchange, or end it with an outcome; what still comes for it gets a Reset."""
        if exchange in self.exchanges:
            self.exchanges.remove(exchange)
            if outcome:
                self._events.append((exchange, outcome))

    def next_datagram(self, now):
        """Return the next datagram to send, or None."""
        if self._replies:
            return self._replies.pop(0)
        room = self.window
        for exchange in self.exchanges:
            room -= exchange.state == _SENT
        for exchange in self.exchanges:
            if exchange.state == _QUEUED and room >= (
                exchange.bulk and (self._silent > 0 or not exchange.repeated)
            ):
                return self._send(exchange, now)

    def next_event(self):
        """Return (exchange, outcome), or None.

        An outcome is a Message: a response, a notification or, for a ping, the Reset; None: an
        empty ACK came, the response comes later or never; or the exception that ended the
        exchange: OSError ETIMEDOUT, ResetError, or for an observation ResponseError with the
        server's last word.
        """
        if self._events:
            return self._events.pop(0)

    def handle_timeout(self, now):
        """Do what is due: repeat, give up, let notifications age.

        Returns in how many milliseconds there is more to do (0: after sending), or None.
        """
        result = None
        for exchange in self.exchanges[:]:
            left = ticks_diff(exchange.deadline, now)
            if exchange.state == _OBSERVING:
                if left <= 0 or exchange.number is None:
                    exchange.number = None
                    continue
            elif left <= 0:
                self.cancel(exchange, OSError(errno.ETIMEDOUT))
                continue
            elif exchange.state == _SENT:
                left = min(left, ticks_diff(exchange.resend_at, now))
                if left <= 0:
                    left = 0
                    if self._lost(exchange, exchange.bulk or not exchange.datagram[0] & _TYPE):
                        self._silent += 1
                        self._backoff += 1
            if result is None or left < result:
                result = left
        return result

    def receive_datagram(self, data, now):
        """Take one datagram from the peer; never raises for what the peer sends."""
        try:
            message = decode(data)
        except MessageError:
            self.malformed += 1
            return
        type = message.type
        code = message.code
        crc = crc32(data)
        if crc in self._seen:
            self.duplicates += 1
            self._reply(_ACK, message)
            return
        found = None
        for exchange in self.exchanges:
            if type < _ACK or code:
                if code < 32 or exchange.token != message.token:
                    continue
            if type < _ACK or exchange.message_id == message.message_id:
                found = exchange
        for number, _ in message.options:
            if number & 1 and number not in (_BLOCK1, _BLOCK2):
                found = None  # an unknown critical option rejects the message (section 5.4.1)
        if not found or type == _RST and code:
            self.unexpected += 1
            self._reply(_RST, message)
            return
        self._reply(_ACK, message)
        if type == _CON or type < _ACK and found.observe is not None:
            self._seen.append(crc)
            self._seen.pop(0)
        self._answered(found, now)
        if not code and found.token:
            if type == _RST:
                self.cancel(found, ResetError(errno.ECONNRESET))
            elif found.state < _WAITING:
                found.state = _WAITING
                self._events.append((found, None))
        elif found.observe is None:
            self.cancel(found, message)
        elif not goes_on(message):
            self.cancel(found, ResponseError(message))
        elif found.observe and not is_newer(message, found.number):
            self.stale += 1
        else:
            found.state = _OBSERVING
            found.number = message.uint(_OBSERVE)
            found.deadline = now + FRESH_MS
            self._events.append((found, message))

    def _reply(self, type, message):
        # Section 4.3: a NON is not acknowledged, and to reject it silence is enough.
        if message.type == _CON:
            mid = message.message_id
            self._replies.append(bytes((0x40 | type << 4, 0, mid >> 8, mid & 255)))

    def _send(self, exchange, now):
        datagram = exchange.datagram
        con = not datagram[0] & _TYPE
        if not (con and exchange.repeated):
            if exchange.bulk and self._silent > 1:
                # Two windows without a sign of life: probe with one CON (PROBING_RATE).
                datagram[0] &= ~_TYPE
                con = True
            self._message_id = (self._message_id + 1) & 0xFFFF
            exchange.message_id = self._message_id
            datagram[2] = self._message_id >> 8
            datagram[3] = self._message_id & 255
            base = self._ack_timeout_ms
            if self._srtt:
                base = max(_MIN_CON_MS if con else _MIN_NON_MS, (self._srtt >> 3) + self._rttvar)
            base = min(base << min(self._backoff, 6), max(base, _MAX_BACKOFF_MS))
            # The jitter is ACK_RANDOM_FACTOR 1.5; a NON has none.
            exchange.timeout_ms = base + (con and base * self._random(1)[0] >> 9)
        self.retransmissions += exchange.repeated > 0
        self._serial += 1
        exchange.serial = self._serial
        exchange.state = _SENT
        exchange.resend_at = now + exchange.timeout_ms
        return datagram

    def _answered(self, exchange, now):
        # The peer reacted to a request.
        self._silent = 0
        if exchange.state != _SENT:
            return
        self.window = min(self.window + 1, self.window_limit)
        if not exchange.repeated:
            sample = max(1, exchange.timeout_ms - ticks_diff(exchange.resend_at, now))
            if self._srtt:
                error = sample - (self._srtt >> 3)
                self._srtt += error
                self._rttvar += abs(error) - (self._rttvar >> 2)
            else:
                self._srtt = sample << 3
                self._rttvar = sample << 1
            self._backoff = 0
        for other in self.exchanges:
            if exchange.bulk and other.bulk and other.state == _SENT:
                if other.serial < exchange.serial:
                    # Overtaken by the answer to a later request: ask again at once.
                    self._lost(other, True)

    def _lost(self, exchange, again):
        # False if this loss belongs to a window that was halved already.
        exchange.state = _QUEUED if again else _WAITING
        exchange.repeated += 1
        exchange.timeout_ms *= 2
        if exchange.serial <= self._halved:
            return False
        self._halved = self._serial
        self.window = max(1, self.window >> 1)
        return True
