"""One test, many rows: each row is an item of its own, on CPython and on MicroPython.

    from rows import rows

    @rows((0, b""), (1, b"\x01"), (256, b"\x01\x00"))
    def test_shortest_form(number, encoded):
        assert option_uint(number) == encoded

A row is the tuple of the test's arguments; anything but a tuple is its only argument. Its id is
made of the values: `test_shortest_form[cpython-256-0100]`. A row whose values make no good id is
given by name: `@rows(no_token=(b"...", 1), long_token=(b"...", 2))`. Without any row the decorator
raises ValueError. A failing row is shown with its values.
"""

_ID_LENGTH = 60


def rows(*table, **named):
    """Return the decorator that makes an item of each row; ValueError if there is none."""
    return lambda test: Rows(test, table, named)


class Rows:
    """A test and its rows: `cases` is [(id, arguments)], in one order on both interpreters."""

    def __init__(self, test, table, named):
        self.test = test
        self.cases = []
        for row in table:
            arguments = row if isinstance(row, tuple) else (row,)
            self._add("-".join([_part(value) for value in arguments]), arguments)
        for name in sorted(named):
            row = named[name]
            self._add(name, row if isinstance(row, tuple) else (row,))
        if not self.cases:
            raise ValueError("a test with rows needs at least one")

    def __call__(self, *arguments):
        self.test(*arguments)

    def _add(self, id, arguments):
        id = id[:_ID_LENGTH] or "empty"
        taken = [case[0] for case in self.cases]
        unique, n = id, 1
        while unique in taken:
            n += 1
            unique = "%s#%d" % (id, n)
        self.cases.append((unique, arguments))


def cases(test):
    """Return [(id, arguments)] of a test; a test without rows is a single case with the id ""."""
    return getattr(test, "cases", [("", ())])


def _part(value):
    # What a value adds to an id: printable ASCII.
    if isinstance(value, (bytes, bytearray)):
        return "".join(["%02x" % byte for byte in value])
    if value is None or isinstance(value, (int, str)):
        return "".join([char if " " <= char <= "~" else "?" for char in str(value)])
    if isinstance(value, type):
        return value.__name__
    return type(value).__name__
