# Observing a resource (RFC 7641): what keeps an observation alive, and which notification is fresh.

from micropython import const

from .message import CONTENT, OBSERVE, VALID

FRESH_MS = const(128_000)  # section 3.4: later than this, any notification is newer


def goes_on(message):
    """Whether an observation lives on after this answer: 2.05 or 2.03, with Observe (section 3.2)."""
    return message.code in (CONTENT, VALID) and message.option(OBSERVE) is not None


class Freshness:
    """The order of one observation's notifications (RFC 7641 section 3.4).

    ordered=False takes every notification, for servers that send commands in them.
    """

    def __init__(self, ordered=True):
        self.ordered = ordered
        self.aged = False  # set by the endpoint FRESH_MS after the last fresh notification
        self.number = None  # the last fresh one's Observe value; None until the first answer

    def take(self, message):
        """Whether a notification is to be delivered; remembers its number."""
        number = (message.uint(OBSERVE) or 0) & 0xFFFFFF
        last = self.number
        if self.ordered and last is not None and not self.aged:
            if not 0 < (number - last & 0xFFFFFF) < 1 << 23:
                return False
        self.number = number
        self.aged = False
        return True
