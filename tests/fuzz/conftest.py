from tests.support import repeatable  # noqa: F401
