"""What keeps a tool from its work, in words."""


def cause(error: Exception) -> str:
    """Return an error's text; of the operating system's, the file and the reason, no number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
