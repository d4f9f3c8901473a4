# The sensors of the board that soaks: every reading has a number of its own, which the console
# tells and the server stores; now and then a sensor fails.

import gc
import os

from coap import resolver
from micropython import const

_FAILS = const(6)  # of 256 readings
_READINGS = const(100_000)  # of one start, at the most
_DNS = ("127.0.0.1", 0)

# Drawn anew at each start: a counter in a file would wear the flash that is watched here.
start = int.from_bytes(os.urandom(3), "big")
count = 0
outbox = None  # the device's, from when there is one
resolver.servers = lambda: [_DNS]


def read():
    """Return the number of the reading, and how the board is."""
    global count
    if os.urandom(1)[0] < _FAILS:
        print("SENSOR FAILS")
        raise OSError(5)
    gc.collect()
    count += 1
    lost = outbox.dropped + outbox.refused if outbox is not None else 0
    readings = {"n": start * _READINGS + count, "heap": gc.mem_free() // 1024}
    print("READ %d heap %d lost %d" % (readings["n"], readings["heap"], lost))
    return readings
