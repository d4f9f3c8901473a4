# What WLAN.status() says after a failure to join, in words. Loaded only by a board that needs it.

_PASSWORD = "the password is refused"
_ABSENT = "no such network"

# The numbers of the ports do not clash.
_WORDS = {
    -3: _PASSWORD,
    -2: _ABSENT,
    -1: "the access point refuses this board",
    2: "no address",
    15: _PASSWORD,
    200: "no answer",
    201: _ABSENT,
    202: _PASSWORD,
    203: "the access point refuses this board",
    204: _PASSWORD,
    1001: "no answer; the password may be wrong",
}


def words_of(status):
    """Return what a status means; for one that is unknown, its number."""
    return _WORDS.get(status, "status %s" % status)
