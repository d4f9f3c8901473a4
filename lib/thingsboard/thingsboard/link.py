# What requests and their answers have told about the way to the server. Sans-I/O.

from micropython import const

_SILENCES = const(3)  # in a row, then a new source port and a new look at the DNS


class Link:
    """The state of the link; log(text), if given, is told what goes wrong."""

    problem = None  # what keeps the device from its server, as text; None while all is well
    silences = 0  # requests without an answer since the last one that had one
    _reconnected = 0  # the number of silences when the source port was last given up

    def __init__(self, log=None):
        self._log = log

    def answered(self, repeated):
        """Note an answer; repeated: its request had to be sent again.

        Returns whether the server was silent before: what it said meanwhile is lost.
        """
        recovered = repeated or self.silences > 0
        self.silences = self._reconnected = 0
        return recovered

    def unanswered(self):
        """Note a request that nothing answered."""
        self.silences += 1

    def wants_new_port(self):
        """Whether to take a new source port now; True once for every three silences in a row."""
        if self.silences - self._reconnected < _SILENCES:
            return False
        self._reconnected = self.silences
        return True

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it is the one known already."""
        problem = "%s: %s %s" % (what, type(error).__name__, error)
        if problem != self.problem:
            self.problem = problem
            self.log(problem)

    def well(self):
        """Note that the server did what it was asked for."""
        self.problem = None

    def log(self, text):
        """Tell the log a line."""
        if self._log:
            self._log(text)
