"""The devices of one process: each records, keeps in touch, and notes when what happened."""

import asyncio
import gc
import random
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

import thingsboard
from thingsboard.clock import Clock
from thingsboard.outbox import Outbox

from .client import LoopClient
from .plan import Plan

LOOK_S = 0.1  # between looks at whether an outbox is empty


@dataclass
class Life:
    """What became of a device. Instants are seconds of time.monotonic(), of all processes."""

    token: str
    made: int = 0  # records
    accepted: int = 0
    waiting: int = 0
    dropped: int = 0
    refused: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list)  # (made, accepted)
    asked: list[tuple[float, str]] = field(default_factory=list)  # registrations: feature
    answered: list[tuple[float, str]] = field(default_factory=list)
    retransmissions: int = 0
    faults: int = 0
    last_fault: str | None = None


class CountingOutbox(Outbox):
    """An outbox that notes in a Life when each record was made and accepted."""

    def __init__(self, clock: Clock, life: Life):
        super().__init__(clock)
        self._life = life
        self._made: deque[float] = deque()  # of the records that wait

    def add(self, record, ts=None):
        self._made.append(monotonic())
        super().add(record, ts)
        self._life.made += 1
        self._align()

    def accepted(self):
        waited = len(self)
        super().accepted()
        now = monotonic()
        for _ in range(waited - len(self)):
            self._life.accepted += 1
            self._life.latencies.append((self._made.popleft(), now))

    def rejected(self):
        record = super().rejected()
        self._align()
        return record

    def _align(self) -> None:
        # The oldest have gone otherwise.
        while len(self._made) > len(self):
            self._made.popleft()


async def live(life: Life, address: tuple[str, int], plan: Plan, start: float, end: float):
    """Be a device from one instant to another, and until its outbox is empty or the time for that
    is over.
    """
    await asyncio.sleep(start - monotonic())
    client = LoopClient(
        address,
        lambda feature: life.asked.append((monotonic(), feature)),
        lambda feature: life.answered.append((monotonic(), feature)),
    )
    clock = Clock()
    outbox = CountingOutbox(clock, life)
    device = thingsboard.Device(client, life.token, clock=clock, outbox=outbox)
    running = asyncio.create_task(thingsboard.run(device, keepalive_ms=int(1000 * plan.keepalive)))
    try:
        due = monotonic() + plan.period * random.random()
        while due < end:
            await asyncio.sleep(due - monotonic())
            device.record({"n": life.made})
            due += plan.period
        await asyncio.sleep(end - monotonic())  # it is in touch to the end, record or none
        while len(outbox) and monotonic() < end + plan.drain:
            await asyncio.sleep(LOOK_S)
    finally:
        running.cancel()
        await asyncio.wait([running])
        client.close()
        life.waiting, life.dropped, life.refused = len(outbox), outbox.dropped, outbox.refused
        life.retransmissions = client.endpoint.retransmissions
        life.faults, life.last_fault = device.session.faults, device.session.last_fault


async def live_all(tokens: list[str], address: tuple[str, int], plan: Plan, begin: float):
    """Be devices for the seconds of a run, from `begin` on; returns their lives."""
    lives = [Life(token) for token in tokens]
    end = begin + plan.seconds
    starts = [begin + plan.ramp * random.random() for _ in lives]
    gc.freeze()  # what is there lives as long as the process: no need to look at it again
    await asyncio.gather(
        *[live(life, address, plan, start, end) for life, start in zip(lives, starts)]
    )
    return lives


def process(connection, tokens: list[str], address: tuple[str, int], plan: Plan) -> None:
    """What a process does: says that it is ready, is told when to begin, sends its lives."""
    connection.send("ready")
    begin = connection.recv()
    connection.send(asyncio.run(live_all(tokens, address, plan, begin)))
