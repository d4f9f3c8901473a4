# The message and request layers of a client for one peer (RFC 7252 sections 4 and 5), with the
# notifications of observations (RFC 7641), sans-I/O.
#
# The caller moves datagrams, hands in the time and sleeps: after each call, send next_datagram()
# until None, take next_event() until None, and call handle_timeout() when it said. `now` is
# wrapping ticks_ms. A deadline is set once and compared by ticks_diff() only, which is right below
# 2**29 ms; nothing older is kept.
#
# The states of an exchange, and the method that changes them:
#
#   state      event                                   next state
#   QUEUED     it has a place                          SENT        _send()
#   SENT       no answer in time: a CON, or bulk       QUEUED      handle_timeout(), _lost()
#   SENT       no answer in time: any other NON        WAITING     handle_timeout(), _lost()
#   SENT       bulk, a later one is answered           SENT        _answered(): a moment is left
#   SENT       bulk, an empty ACK                      SENT        receive_datagram(): NON again
#   QUEUED, SENT   otherwise an empty ACK              WAITING     receive_datagram()
#   any        an answer that observes                 OBSERVING   receive_datagram()
#   any        any other answer, a Reset               ended       receive_datagram()
#   OBSERVING  _FRESH_MS without a notification        OBSERVING   handle_timeout(): number None
#   others     the deadline                            ended       handle_timeout()
#
# A slow link: what comes for an exchange after its end, or after a repetition, tells of it.
#
# Congestion (section 4.7, in the manner of TCP): requests that are SENT take places. There are
# `window` places, and one reserved for what is not bulk and for what was overtaken. The window
# starts at 1, grows by 1 with each answer and falls to 0.7 once per window with a loss (RFC 9438).

import errno
from binascii import crc32

from micropython import const

from .matching import goes_on, is_newer, match, unknown_critical
from .message import decode
from .pace import Fit, RoundTrip

_CON = const(0)
_NON = const(1)
_ACK = const(2)
_RST = const(3)
_TYPE = const(0x30)  # its bits in the first byte of a datagram; none set: CON
_OBSERVE = const(6)

_FRESH_MS = const(128_000)  # later than this any notification is newer (RFC 7641 section 3.4)
_HALF_MS = const(1 << 29)  # half the period of ticks_ms on boards
_MIN_CON_MS = const(1000)  # floors of the first timeout once round trips have been measured
_MIN_NON_MS = const(150)
_MAX_BACKOFF_MS = const(8000)  # of what a loss leaves behind for the next request
_LATE_MS = const(247_000)  # EXCHANGE_LIFETIME: nothing later belongs to an exchange
_IDLE_MS = const(3600_000)  # so often time is looked at: deadlines stay comparable
_SEEN = const(16)  # datagrams remembered against duplicates
_PAST = const(4)  # ended exchanges remembered for late answers
_EXCHANGES = const(64)  # under way at a time, and bytes of their datagrams
_EXCHANGE_BYTES = const(16384)
_EVENTS = const(16)  # waiting to be taken; then no notification is, and the server repeats it
_REPLIES = const(16)  # waiting to be sent; further ones are made when the peer repeats itself
_LARGE = const(192)  # bytes of a datagram that may have been lost for its size

# States of an exchange.
_QUEUED = const(0)  # waits for a place to be sent, or to be sent again
_SENT = const(1)  # outstanding: not yet acknowledged, answered or taken for lost
_WAITING = const(2)  # acknowledged, or a NON that is late: only the deadline is left
_OBSERVING = const(3)  # answered; further answers are notifications


class ResponseError(Exception):
    """The server said no, or ended an observation; its text is the code, like "4.04".

    code is an int, payload bytes: often a diagnostic text, which is the server's to choose.
    """

    def __init__(self, response):
        code = response.code
        # MicroPython's tracebacks show the arguments; they do not call __str__.
        super().__init__("%d.%02d" % (code >> 5, code & 31))
        self.code = code
        self.payload = response.payload


class ResetError(OSError):
    """The peer answered with a Reset: it does not know what we mean (RFC 7252 section 4.2)."""


def ticks_diff(a, b):
    """Return a - b in milliseconds for wrapping instants less than 2**29 ms apart."""
    return (a - b + _HALF_MS & 2 * _HALF_MS - 1) - _HALF_MS


class Exchange:
    """One request and everything answered under its token."""

    # Defaults stand in the class: an instance takes RAM only for what differs.
    observe = None  # for an observation: whether only fresh notifications count
    bulk = False  # a block of a download: uses the window, is sent again with a new message id
    con = True  # how it is sent, and with that how it is repeated
    state = _QUEUED
    number = None  # Observe value of the last fresh notification; None before, and _FRESH_MS after
    repeated = 0  # if not 0, an answer tells nothing about the round trip (Karn)
    message_id = None  # of what was sent last
    receiver = None  # the caller's own
    took_ms = None  # from its first datagram to the answer
    taught = False  # whether an answer after the end has told how slow the link is
    # No more than this is set by _send(), and means nothing before:
    #   sent_at     when it was sent first; last_at: last
    #   serial      its place in the order of all that was sent
    #   timeout_ms  how long to wait for an answer; doubles with each repetition of a CON
    #   resend_at   when that is over; means nothing unless SENT

    def __init__(self, datagram, token, deadline):
        self.datagram = datagram  # its message id is written when it is sent
        self.token = token
        self.deadline = deadline  # gives up then; OBSERVING: the last notification is old then


class Endpoint:
    """Exchanges with one peer.

    random(n) returns n random bytes. ack_timeout_ms is RFC 7252's (section 4.8) and holds until a
    round trip was measured; then the timeout follows that (RFC 6298). An exchange gives up by
    time alone, not by a number of tries. block_size is the largest block that this path seems to
    take (16 to 1024): it falls when what may be large stays unanswered, and is probed upward.
    """

    heard = 0  # messages of the peer that answered something of ours: proof that it is there
    malformed = 0  # datagrams that are no message; this and the next are for the user to read
    unexpected = 0  # messages that answer nothing of ours
    duplicates = 0  # messages that had come before
    stale = 0  # notifications older than the last
    retransmissions = 0

    window = 1
    _backoff = 0  # doublings of the timeout since the last clean round trip
    serial = 0  # datagrams sent
    _cut = 0  # losses up to this serial belong to a window that was made smaller already
    _newest = 0  # the serial of the bulk request that was sent last of those answered
    _silent = 0  # windows lost since anything was heard

    def __init__(self, random, ack_timeout_ms=2000, window_limit=3):
        self.random = random
        self.ack_timeout_ms = ack_timeout_ms
        self.window_limit = window_limit
        self.message_id = int.from_bytes(random(2), "big")
        self.exchanges = []  # under way, oldest first
        self._replies = []  # acknowledgements and resets to be sent
        self._events = []
        self._seen = [None] * _SEEN  # CRC32 (it covers the message id) of the last messages taken
        self._seen_at = 0  # the oldest of them
        self._past = []  # the last exchanges of which a late answer tells something
        self.blocks = Fit()  # told of large datagrams, ours and the peer's
        self._round_trip = RoundTrip()

    @property
    def block_size(self):
        """The size of blocks to send and to ask for, in bytes."""
        return self.blocks.size

    def request(self, message, now, timeout_ms=93_000, observe=None, bulk=False, receiver=None):
        """Queue a request (an Empty CON: a ping) and return its Exchange.

        Gives the message a random token unless it has one. The exchange ends with ETIMEDOUT
        timeout_ms (default: MAX_TRANSMIT_WAIT) from now, on a slow link not before an answer can
        have come, which is at most 93 s after it was sent; an empty ACK does not stop that clock.
        With observe it stays for notifications: True for fresh ones, False for all. receiver is
        the caller's own.
        Raises ValueError for a message that cannot be encoded, OSError ENOBUFS beyond 64
        exchanges or 16 KB of datagrams under way.
        """
        if message.code and not message.token:
            message.token = self.random(4)
        datagram = message.encode()
        size = len(datagram)
        for exchange in self.exchanges:
            size += len(exchange.datagram)
        if len(self.exchanges) >= _EXCHANGES or size > _EXCHANGE_BYTES:
            raise OSError(errno.ENOBUFS)
        timeout_ms = max(timeout_ms, self._round_trip.patience_ms())
        exchange = Exchange(datagram, message.token, now + timeout_ms)
        exchange.observe = observe
        exchange.bulk = bulk
        exchange.receiver = receiver
        if message.type:
            exchange.con = False
        self.exchanges.append(exchange)
        return exchange

    def cancel(self, exchange, outcome=None):
        """Forget an exchange, or end it with an outcome; what still comes for it gets a Reset."""
        if exchange in self.exchanges:
            if outcome:
                self._events.append((exchange, outcome))
            self.exchanges.remove(exchange)

    def next_datagram(self, now):
        """Return the next datagram to send, or None."""
        if self._replies:
            return self._replies.pop(0)
        places = self.window
        for exchange in self.exchanges:
            if exchange.state == _SENT:
                places -= 1
        for exchange in self.exchanges:
            if exchange.state == _QUEUED:
                # While the peer is silent, what is repeated was not overtaken.
                overtaken = exchange.repeated and not self._silent
                if places > 0 or not places and (overtaken or not exchange.bulk):
                    return self._send(exchange, now)

    def next_event(self):
        """Return (exchange, outcome), or None.

        An outcome is a Message: a response, a notification or, for a ping, the Reset; or the
        exception that ended the exchange: OSError ETIMEDOUT, ResetError, or for an observation
        ResponseError with the server's last word.
        """
        if self._events:
            return self._events.pop(0)

    def handle_timeout(self, now):
        """Do what is due: repeat, give up, let notifications age.

        Returns in how many milliseconds to call again: 0 if there is more, an hour at most.
        """
        wait_ms = _IDLE_MS
        for i in range(len(self.exchanges) - 1, -1, -1):  # backwards: some are removed
            exchange = self.exchanges[i]
            left = ticks_diff(exchange.deadline, now)
            if exchange.state == _OBSERVING:
                if left <= 0 or exchange.number is None:
                    exchange.number = None
                    continue
            elif left <= 0:
                self.cancel(exchange, OSError(errno.ETIMEDOUT))
                self._given_up(exchange)
            elif exchange.state == _SENT:
                left = min(left, ticks_diff(exchange.resend_at, now))
                if left <= 0 and self._lost(exchange):
                    self._silent += 1
                    self._backoff += 1
            wait_ms = min(wait_ms, left)
        return max(0, wait_ms)

    def receive_datagram(self, data, now):
        """Take one datagram from the peer; never raises for what the peer sends."""
        try:
            message = decode(data)
        except ValueError:
            self.malformed += 1
            return
        type = message.type
        crc = crc32(data)
        if crc in self._seen:
            self.duplicates += 1
            self._reply(_ACK, message)
            return
        found = match(message, self.exchanges)
        if not found or unknown_critical(message):
            past = match(message, self._past)
            if past:
                self._late(past, now)
            else:
                self.unexpected += 1
            # A server that goes on with an observation that we gave up has to be told.
            self._reply(_ACK if past and past.observe is None else _RST, message)
            return
        if found.observe is not None and len(self._events) >= _EVENTS:
            return  # as if it were lost
        self._answered(found, now)
        size = max(len(message.payload), len(found.datagram) - _LARGE // 2)
        if size * 4 > self.block_size * 3:
            self.blocks.worked()
        if not message.code and found.token:
            if type == _RST:
                self.cancel(found, ResetError(errno.ECONNRESET))
            elif found.bulk:
                # Californium says no more if it forgot the transfer; a NON it answers by a Reset.
                found.con = False
                found.datagram[0] |= _NON << 4
                found.resend_at = now + self.ack_timeout_ms
            elif found.state < _WAITING:
                found.state = _WAITING
        elif found.observe is None:
            self.cancel(found, message)
        elif not goes_on(message):
            self.cancel(found, ResponseError(message))
        elif found.observe and not is_newer(message, found.number):
            self.stale += 1
        else:
            message.acknowledged = type == _ACK or found.state == _WAITING
            self._events.append((found, message))
            found.state = _OBSERVING
            found.number = message.uint(_OBSERVE)
            found.deadline = now + _FRESH_MS
        # This comes last: a message that memory had no room for may come again.
        if type == _CON or type < _ACK and found.observe is not None:
            self._seen[self._seen_at] = crc
            self._seen_at = (self._seen_at + 1) % _SEEN
        self._reply(_ACK, message)

    def _reply(self, type, message):
        # Section 4.3: a NON is not acknowledged, and to reject it silence is enough.
        if message.type == _CON and len(self._replies) < _REPLIES:
            mid = message.message_id
            self._replies.append(bytes((0x40 | type << 4, 0, mid >> 8, mid & 255)))

    def _send(self, exchange, now):
        datagram = exchange.datagram
        # A CON is repeated as it was; anything else under a new message id, with a new timeout.
        if not (exchange.con and exchange.repeated):
            if exchange.bulk and self._silent > 3:
                # Four windows without a sign of life: probe with one CON (PROBING_RATE).
                datagram[0] &= ~_TYPE
                exchange.con = True
            mid = self.message_id + 1 & 0xFFFF
            self.message_id = exchange.message_id = mid
            datagram[2] = mid >> 8
            datagram[3] = mid & 255
            timeout_ms = self.ack_timeout_ms
            if usual_ms := self._round_trip.timeout_ms():
                timeout_ms = max(_MIN_CON_MS if exchange.con else _MIN_NON_MS, usual_ms)
            limit = max(timeout_ms, _MAX_BACKOFF_MS)
            timeout_ms = min(timeout_ms << min(self._backoff, 6), limit)
            if exchange.con:  # the jitter is ACK_RANDOM_FACTOR 1.5; a NON has none
                timeout_ms += timeout_ms * self.random(1)[0] >> 9
            exchange.timeout_ms = timeout_ms
        if exchange.repeated:
            self.retransmissions += 1
        else:
            exchange.sent_at = now
            self._be_patient(exchange)
        self.serial += 1
        exchange.last_at = now
        exchange.serial = self.serial
        exchange.resend_at = now + exchange.timeout_ms
        exchange.state = _SENT  # last: a new field may find no memory
        return datagram

    def _answered(self, exchange, now):
        # The peer reacted to a request.
        self.heard += 1
        self._silent = 0
        if exchange.state != _SENT:
            return
        self.window = min(self.window + 1, self.window_limit)
        if not exchange.repeated:
            self._round_trip.measured(ticks_diff(now, exchange.sent_at))
            self._backoff = 0
        elif exchange.observe is None:
            exchange.took_ms = ticks_diff(now, exchange.sent_at)
            self._remember(exchange)
        if exchange.bulk and exchange.serial > self._newest:
            # What was sent before is lost if it does not come soon (RACK, RFC 8985 section 6.2).
            self._newest = exchange.serial
            for other in self.exchanges:
                if other.bulk and other.state == _SENT and other.serial < exchange.serial:
                    soon_ms = self._round_trip.overtaken_ms(ticks_diff(now, other.last_at))
                    other.resend_at = now + min(soon_ms, ticks_diff(other.resend_at, now))

    def _be_patient(self, exchange):
        # Let a slow link have the time for an answer to what was sent.
        patient_until = exchange.sent_at + self._round_trip.patience_ms()
        if ticks_diff(patient_until, exchange.deadline) > 0:
            exchange.deadline = patient_until

    def _given_up(self, exchange):
        if exchange.state == _QUEUED and not exchange.repeated:
            return  # it was never sent
        # What was asked for (GET, FETCH) may be large as well; a ping has code 0.
        if len(exchange.datagram) > _LARGE or exchange.datagram[1] in (1, 5):
            self.blocks.failed()
        self._remember(exchange)

    def _remember(self, exchange):
        self._past = self._past[1 - _PAST :] + [exchange]

    def _late(self, past, now):
        # An answer after the end: the link is slow. Or one more after a repetition: the first was
        # not lost, and the repetition too early.
        self.heard += 1
        self._silent = 0
        sample = past.took_ms or ticks_diff(now, past.sent_at)
        if not past.taught and 0 < sample < _LATE_MS:
            past.taught = True
            self._round_trip.measured(sample, True)
            self._backoff = 0
            for exchange in self.exchanges:
                if exchange.state in (_SENT, _WAITING):
                    self._be_patient(exchange)

    def _lost(self, exchange):
        # Return whether it tells of silence; not if overtaken, or of a window cut already.
        exchange.state = _QUEUED if exchange.con or exchange.bulk else _WAITING
        exchange.repeated += 1
        exchange.timeout_ms *= 2
        if exchange.serial <= self._cut:
            return False
        self._cut = self.serial
        self.window = max(1, self.window * 7 // 10)
        return not exchange.bulk or exchange.serial > self._newest
