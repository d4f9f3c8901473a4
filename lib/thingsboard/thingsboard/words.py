# What keeps a device from its server, in words for a person.
#
# Only what says the same whichever job hears it has words here. So one cause is one text, and is
# told once. None of it holds an access token.

import errno

# By response code, and by error number.
_ANSWERS = {
    0x81: "the server refuses the access token or certificate (4.01)",
    0x42: "the server ends observations; does another device use this access token?",
}
_ERRORS = {
    errno.ETIMEDOUT: "the server is silent",
    errno.EHOSTUNREACH: "there is no way to the server",
    errno.ECONNRESET: "the server has forgotten this device",
}


def words_of(error):
    """Return what an error of a request means, or "" if that depends on the request."""
    if not isinstance(error, OSError):
        return _ANSWERS.get(getattr(error, "code", 0), "")
    if len(error.args) > 1:  # who raised it has words of its own
        return str(error.args[1])
    return _ERRORS.get(error.args[0], "") if error.args else ""
