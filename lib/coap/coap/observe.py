# Observing a resource (RFC 7641): what keeps an observation alive, which notification is fresh.

from micropython import const

FRESH_MS = const(128_000)  # section 3.4: later than this, any notification is newer

_OBSERVE = const(6)


def goes_on(message):
    """Whether an observation lives on after this answer: 2.05 or 2.03, with Observe."""
    return message.code in (0x45, 0x43) and message.uint(_OBSERVE) is not None


def is_newer(message, last):
    """Whether a notification is newer than that with Observe value last (section 3.4).

    last None: anything is newer.
    """
    return last is None or 0 < (message.uint(_OBSERVE) - last & 0xFFFFFF) < 1 << 23
