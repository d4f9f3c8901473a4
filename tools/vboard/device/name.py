# The module `sys` of a board that has another name than the interpreter: sys.implementation cannot
# be changed.

import sys
from collections import namedtuple


class Sys:
    def __getattr__(self, name):
        return getattr(sys, name)


def begin(build):
    """From now on programs import a `sys` whose implementation has this _build."""
    about = sys.implementation
    fields = ("name", "version", "_machine", "_mpy", "_build")
    board = Sys()
    board.implementation = namedtuple("implementation", fields)(
        about.name, about.version, about._machine, about._mpy, build
    )
    sys.modules["sys"] = board
