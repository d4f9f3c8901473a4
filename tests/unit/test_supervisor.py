# A task that must not end: what ends it is told, and it begins again, later each time.

import asyncio

from coap import supervisor
from rows import rows
from world import World


class Work:
    """Ends as a list says: an exception, or None to return; each after so many ms."""

    def __init__(self, world, *ends):
        self.world = world
        self.ends = list(ends)
        self.begun = []  # instants
        self.told = []

    async def __call__(self):
        self.begun.append(self.world.now)
        end, after_ms = self.ends.pop(0) if self.ends else (None, 0)
        await asyncio.sleep_ms(after_ms)
        if end:
            raise end


def supervised(ends, ms, report=None):
    # Return the work after so much time, and whether its supervisor goes on.
    real = supervisor.ticks_ms, supervisor.ticks_diff
    with World() as world:
        supervisor.ticks_ms, supervisor.ticks_diff = world.ticks_ms, world.ticks_diff
        try:
            work = Work(world, *ends)
            task = world.loop.start(supervisor.supervise(work, report or work.told.append))
            world.pass_ms(ms)
            alive = not task.done()
            world.loop.cancel(task)
        finally:
            supervisor.ticks_ms, supervisor.ticks_diff = real
    return work, alive


@rows(
    memory=MemoryError(),
    type=TypeError("t"),
    runtime=RuntimeError("r"),
    system=OSError(5),
    index=IndexError(),
    returned=None,
)
def test_whatever_ends_it_is_told_and_it_begins_again(end):
    work, alive = supervised([(end, 10), (None, 1000)], 1500)
    assert alive and work.begun == [0, 1010] and len(work.told) == 1
    assert work.told[0] is end


def test_the_pause_doubles_to_a_minute():
    work, _ = supervised([], 240_000)
    pauses = [b - a for a, b in zip(work.begun, work.begun[1:])]
    assert pauses == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]


def test_after_a_minute_of_work_the_pause_is_short_again():
    ends = [(OSError(1), 0), (OSError(2), 0), (OSError(3), 60_000), (OSError(4), 59_999)]
    work, _ = supervised(ends, 140_000)
    pauses = [b - a for a, b in zip(work.begun, work.begun[1:])]
    assert pauses[:4] == [1000, 2000, 61_000, 61_999]


def test_a_report_that_fails_does_not_end_it():
    def fails(error):
        raise MemoryError

    work, alive = supervised([(OSError(1), 0)], 5000, fails)
    assert alive and work.begun == [0, 1000, 3000]


def test_cancelling_ends_it_and_the_work():
    with World() as world:
        ended = []

        async def work():
            try:
                await asyncio.sleep_ms(1 << 28)
            finally:
                ended.append(True)

        task = world.loop.start(supervisor.supervise(work, ended.append))
        world.pass_ms(10)
        world.loop.cancel(task)
        assert task.done() and ended == [True]
