"""For the tests of the journal: a board with one."""

import json
import sys

from fakes import Board
from flashfs import FlashFS
from thingsboard.clock import Clock
from thingsboard.journal import Journal

NOW = 1_790_000_000_000
RECORD = '{"n":%d,"filling":"' + "x" * 60 + '"}'  # about 40 of them are a file
LARGE = '{"n":%d,"filling":"' + "x" * 900 + '"}'  # and 4 of these


class Memory:
    """In the place of the module: how much is free does not depend on the interpreter."""

    short = False

    def is_short(self, reserve):
        return self.short


memory = sys.modules["thingsboard.journal"].memory = Memory()


class Scene:
    """A board with a journal on a file system, which outlives it."""

    def __init__(self, fs=None, known=True, record=RECORD, **how):
        self.fs = fs or FlashFS()
        self.record = record
        self.how = how
        self.known = known
        self.start()

    def start(self, later_ms=0):
        """Switch on, for the first time or again."""
        self.ticks = Board()
        self.clock = Clock(self.ticks)
        if self.known:
            self.clock.set(NOW + later_ms)
        fs = self.fs
        self.box = Journal(self.clock, os=fs, open=fs.open, **self.how)

    def add(self, *numbers):
        self.add_all(numbers)

    def add_all(self, numbers):
        for number in numbers:
            self.box.add(self.record % number, NOW + number)

    def batch(self):
        """Return the numbers of a batch, which must have their times."""
        payload = self.box.batch()
        records = json.loads(payload) if payload else []
        numbers = [record["values"]["n"] for record in records]
        assert [record["ts"] for record in records] == [NOW + n for n in numbers]
        return numbers

    def sent(self):
        """Send all that waits and return it."""
        numbers = []
        while batch := self.batch():
            numbers += batch
            self.box.accepted()
        assert len(self.box) == 0
        return numbers
