"""Why the back end does not do what it was asked for."""


class ModelError(Exception):
    """One of the errors below."""


class BadRequest(ModelError):
    """The request is refused."""


class NotFound(ModelError):
    """There is no such thing."""


class ServerFault(ModelError):
    """The server trips over the request."""
