# The sensors of the board that soaks: every reading has a number of its own, which the console
# tells and the server stores. The bus leads to the host (sensor.py), where a reading may fail.

import builtins
import gc
import os
import socket

from micropython import const

_READINGS = const(100_000)  # of one start, at the most
_BUS = 0  # a port of the host, which is put in here

# Drawn anew at each start: a counter in a file would wear the flash that is watched here.
start = int.from_bytes(os.urandom(3), "big")
count = 0
outbox = None  # the device's, from when there is one
bus = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# An address as the host has them: the bus is no part of the board's network.
bus.connect(bytes((socket.AF_INET, 0, _BUS >> 8, _BUS & 255, 127, 0, 0, 1)) + bytes(8))


def read():
    """Return the number of the reading, and how the board is."""
    global count
    bus.send(b"?")
    error = bus.recv(16)
    if error:
        raise getattr(builtins, error.decode())("the bus")
    gc.collect()
    count += 1
    lost = outbox.dropped + outbox.refused if outbox is not None else 0
    readings = {"n": start * _READINGS + count, "heap": gc.mem_free() // 1024}
    print("READ %d heap %d lost %d" % (readings["n"], readings["heap"], lost))
    return readings
