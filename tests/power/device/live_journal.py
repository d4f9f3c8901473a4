# Runs on the virtual board: lives with a journal, or tells what is left of one. Says:
#   wrote N                  record N is in the journal
#   flying A B               records A to B are on their way to the server
#   took A B                 the server has them, and the journal knows
#   left N                   record N is there still, and would be sent
#   fed N                    the number of such lines so far
#   program ADDRESS HEX, erase BLOCK     with a log: before each flash operation

import json
import os

from common import log_flash
from thingsboard.clock import Clock
from thingsboard.journal import Journal

RECORDS = 40
BYTES = 250  # of a record: a file has 15 of them
NOW = 1_790_000_000_000

said = 0


def say(*words):
    global said
    said += 1
    print(*words)
    print("fed", said)


def run(chip, live, log=False, fault=""):
    if log:
        log_flash(chip)
    clock = Clock()
    clock.set(NOW)
    box = Journal(clock, os=Faulty(fault))
    if live:
        for n in range(RECORDS):
            add(box, n)
            say("wrote", n)
            if n % 5 == 4:
                send(box)
        while len(box):
            send(box)
    else:
        add(box, RECORDS)  # it goes on
        while len(box):
            for n in numbers(box):
                print("left", n)
            box.accepted()


def add(box, n):
    box.add(json.dumps({"n": n, "filling": "x" * BYTES}), NOW + n)


def send(box):
    batch = numbers(box)
    say("flying", batch[0], batch[-1])
    box.accepted()
    say("took", batch[0], batch[-1])


def numbers(box):
    return [record["values"]["n"] for record in json.loads(box.batch())]


class Faulty:
    """The module os, or one with a fault that the power test must find."""

    def __init__(self, fault):
        self.fault = fault

    def __getattr__(self, name):
        return getattr(os, name)

    def remove(self, path):
        if self.fault == "the newest is removed, too":
            for name in os.listdir("journal"):
                os.remove("journal/" + name)
        elif self.fault != "nothing is removed":
            os.remove(path)
