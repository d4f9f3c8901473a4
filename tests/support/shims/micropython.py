"""What device code takes from MicroPython's `micropython` module, for CPython."""


def const(value):
    return value
