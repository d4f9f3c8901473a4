# What requests and notifications have told about the way to the server. Sans-I/O.
#
# ThingsBoard numbers the answer to a registration 0 and each notification one more (the Observe
# option). While one notification by CON waits for its acknowledgement the server replaces the
# next ones, so a gap is a command or a change that was lost.

from micropython import const

_SILENCES = const(3)  # in a row, then a new source port and a new look at the DNS


class Link:
    """The state of the link; log(text), if given, is told what goes wrong."""

    problem = None  # what keeps the device from its server, as text; None while all is well
    silences = 0  # requests without an answer since the last one that had one

    def __init__(self, log=None):
        self._log = log

    def answered(self, repeated):
        """Note an answer; repeated: its request had to be sent again.

        Returns whether the server was silent before: what it said meanwhile is lost.
        """
        recovered = repeated or self.silences > 0
        self.silences = 0
        return recovered

    def unanswered(self):
        """Note a request that nothing answered; return whether to take a new source port now."""
        self.silences += 1
        return self.silences % _SILENCES == 0

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it is the one known already."""
        problem = "%s: %s %s" % (what, type(error).__name__, error)
        if problem != self.problem:
            self.problem = problem
            self.log(problem)

    def log(self, text):
        """Tell the log a line."""
        if self._log:
            self._log(text)


class Sequence:
    """The numbers of one observation, through all its registrations."""

    _token = None  # of the registration that the last message belongs to
    _expected = 0  # the number of the next message under that token
    _asked = False  # a gap was found under that token: a new registration is on its way

    def take(self, token, number):
        """Take a message; return whether something is missing, so that to register anew.

        token is the message's, number its Observe value. A gap is told once: until the new
        registration's token comes, the messages under the old one are taken as they are.
        """
        if token != self._token:
            # After a gap the answer to the new registration may be lost as well: what comes first
            # is the beginning then, or we would register without end.
            self._expected = number if self._asked else 0
            self._token = token
            self._asked = False
        missing = number > self._expected and not self._asked
        self._asked = self._asked or missing
        self._expected = max(self._expected, number + 1)
        return missing
