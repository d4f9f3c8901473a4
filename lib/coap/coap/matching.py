# What a message of the peer is about (RFC 7252 section 5.3.2, RFC 7641 section 3). Sans-I/O.

from micropython import const

_ACK = const(2)
_RST = const(3)
_OBSERVE = const(6)
_BLOCK2 = const(23)
_BLOCK1 = const(27)


def match(message, exchanges):
    """Return the one of the exchanges that a message belongs to, or None."""
    type = message.type
    code = message.code
    by_token = type < _ACK or code  # a response or notification; also in an ACK
    by_id = type >= _ACK  # what an ACK or a Reset is about
    if by_token and (code < 32 or type == _RST):  # a request, a ping; a Reset with a code
        return
    found = None  # the last one: an old registration may have had the same message id
    for exchange in exchanges:
        if by_token and exchange.token != message.token:
            continue
        if by_id and exchange.message_id != message.message_id:
            continue
        found = exchange
    return found


def unknown_critical(message):
    """Whether an option rejects the message (RFC 7252 section 5.4.1)."""
    # The numbers of critical ones are odd.
    for number, _ in message.options:
        if number & 1 and number not in (_BLOCK1, _BLOCK2):
            return True


def goes_on(message):
    """Whether an observation lives on after this answer: 2.05 or 2.03, with Observe."""
    return message.code in (0x45, 0x43) and message.uint(_OBSERVE) is not None


def is_newer(message, last):
    """Whether a notification is newer than that with Observe value last (RFC 7641 section 3.4).

    last None: anything is newer.
    """
    return last is None or 0 < (message.uint(_OBSERVE) - last & 0xFFFFFF) < 1 << 23
