# What to do about a server that is not heard. Sans-I/O.

from micropython import const

_LONGEST_S = const(6 * 3600)

POWER_CYCLE = "power-cycle"  # the Wi-Fi: a chip that hangs answers to nothing else
RESTART = "restart"


class Guard:
    """Watches that the board gets somewhere. Instants are seconds, of any clock that goes on.

    offline_s: for so long the server may be silent before the Wi-Fi is power-cycled, and for as
    long again before the board is restarted; 0: for ever. lonely: how many restarts in a row were
    for this. Each doubles the time, up to six hours.
    """

    def __init__(self, offline_s, lonely, now):
        self._limit = min(offline_s << lonely, _LONGEST_S)
        self._contacts = 0
        self._since = now  # the last contact, or the last remedy
        self._cycled = False
        self.lonely = lonely

    def look(self, now, contacts):
        """Return what is to be done: None, POWER_CYCLE or RESTART.

        contacts: how many messages of the server have come.
        """
        if contacts != self._contacts:
            self._contacts = contacts
            self._since = now
            self._cycled = False
            self.lonely = 0
        if not self._limit or now - self._since < self._limit:
            return None
        self._since = now
        if self._cycled:
            return RESTART
        self._cycled = True
        return POWER_CYCLE
