# Runs on the virtual board: a day of one record a minute through a journal. journal is how it
# writes, (records, seconds); online: whether the server takes each record half a second later,
# else none all day. Prints how often the flash was written to, and the longest time in one call.

import json

from thingsboard.clock import Clock
from thingsboard.journal import Journal

MINUTES = 1440
NOW = 1_790_000_000_000


class Board:
    """The time module of a board on which time passes as it is told."""

    now = 0

    def ticks_ms(self):
        return self.now

    def ticks_diff(self, a, b):
        return a - b


def run(chip, records, seconds, online):
    board = Board()
    clock = Clock(board)
    clock.set(NOW)
    box = Journal(clock, max_bytes=256 * 1024, every=records, delay_ms=1000 * seconds)
    erases = 0
    erase = chip.erase

    def counted(block):
        nonlocal erases
        erases += 1
        erase(block)

    chip.erase = counted
    most = 0
    for n in range(MINUTES):
        before = erases
        box.add(json.dumps({"temperature": 21.5 + n % 7, "humidity": 55, "heap": 101}))
        most = max(most, erases - before)
        board.now += 500
        if online:
            box.batch()
            before = erases
            box.accepted()
            most = max(most, erases - before)
        for _ in range(60):
            before = erases
            box.keep()
            most = max(most, erases - before)
            board.now += 1000
        board.now -= 500
    print(json.dumps({"erases": erases, "most": most, "waiting": len(box)}))
