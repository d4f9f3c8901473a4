# memory.py: how much memory is left.

import sys

from thingsboard import memory


class Collector:
    """A stand-in for the module gc: bytes free before and after a collection."""

    def __init__(self, free, after):
        self.free = free
        self.after = after
        self.collections = 0

    def mem_free(self):
        return self.after if self.collections else self.free

    def collect(self):
        self.collections += 1


def short(gc):
    real = memory.gc
    memory.gc = gc
    try:
        return memory.is_short(1000)
    finally:
        memory.gc = real


def test_only_where_it_seems_short_is_collected():
    enough = Collector(1000, 1000)
    assert not short(enough) and enough.collections == 0
    garbage = Collector(999, 1000)
    assert not short(garbage) and garbage.collections == 1
    assert short(Collector(999, 999))


def test_this_interpreter():
    assert not memory.is_short(1)
    assert memory.is_short(1 << 40) == (sys.implementation.name == "micropython")
