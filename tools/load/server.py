"""The simulator in a process of its own: as slow as the real server, with a fleet in its store.

The parent process asks by a pipe, one question at a time, and gets one answer.
"""

import contextlib
import time
from collections import Counter
from dataclasses import dataclass

from tools.tbsim import Simulator

from .plan import Plan

# Longer than a device repeats a request (lib/thingsboard/thingsboard/jobs.py): what the server
# remembers for longer only takes memory, a gigabyte of it at a thousand requests a second.
REMEMBER_S = 30.0
START_S = 20.0  # at most, after a restart


@dataclass(frozen=True)
class Restart:
    """When the server fell silent, heard again, and had its core; seconds of time.monotonic()."""

    stopped: float
    heard: float
    ready: float


@dataclass
class Wire:
    """What went over it, both ways, of CoAP: without the headers of UDP and IP."""

    datagrams: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Stored:
    """What the server has of a device."""

    numbers: int  # of different records
    again: int  # the same record with the same time once more: a database keeps one
    twice: int  # the same record with another time


def process(connection, tokens: list[str], plan: Plan) -> None:
    """Run a simulator until told to end."""
    sim = Simulator()
    sim.timing.start_least, sim.timing.start_most = plan.core
    sim.timing.exchange_lifetime = REMEMBER_S
    sim.events.most = 0
    heard: Counter[int] = Counter()  # datagrams, by the tenth of a second
    wire = Wire()

    def note(event):
        wire.datagrams += 1
        wire.bytes += len(event.datagram)
        if event.up:
            heard[int(10 * event.time)] += 1

    with sim:
        sim.subscribe(note)
        sim.call(lambda: [sim.store.add_device(token, token) for token in tokens])
        connection.send(sim.port)
        with contextlib.suppress(EOFError):  # the parent has ended
            while question := connection.recv():
                verb, argument = question
                if verb == "restart":
                    connection.send(restart(sim, argument))
                else:
                    connection.send((books(sim), heard, wire))


def restart(sim: Simulator, outage: float) -> Restart:
    """Be silent for so many seconds, and come back as a server that was started anew."""
    stopped = time.monotonic()
    sim.stop_answering()
    time.sleep(outage)
    sim.restart()
    sim.answer_again()
    heard = time.monotonic()
    sim.until(lambda: not sim.resources.backend.starting, START_S)
    return Restart(stopped, heard, time.monotonic())


def books(sim: Simulator) -> dict[str, Stored]:
    """Return what is stored, by access token."""
    return {
        device.access_token: stored([(point.ts, point.value) for point in device.telemetry])
        for device in sim.store.devices.values()
    }


def stored(points: list[tuple[int, int]]) -> Stored:
    """Count the points (time, number of the record) of a device."""
    different = set(points)
    numbers = {number for _, number in different}
    return Stored(len(numbers), len(points) - len(different), len(different) - len(numbers))
