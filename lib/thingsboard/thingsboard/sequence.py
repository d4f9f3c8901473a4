# The order of what an observation brings, and when to ask for all of it again. Sans-I/O.
#
# ThingsBoard numbers the answer to a registration 0 and each notification one more (the Observe
# option). While one notification by CON waits for its acknowledgement the server replaces the
# next ones, so a gap is a command or a change that was lost.


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
