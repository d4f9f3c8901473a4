# Keeps a task alive: what ends it is told, and it begins again.

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_FIRST_MS = const(1000)
_LONGEST_MS = const(60_000)


async def supervise(work, report):
    """Run work(), a function that returns a coroutine, again and again until cancelled.

    Whatever ends it, of any class, goes to report(error); None: it returned. It begins again after
    1 s, doubling to a minute; after a minute of work it is 1 s again.
    """
    pause_ms = _FIRST_MS
    while True:
        begun = ticks_ms()
        outcome = None
        try:
            await work()
        except Exception as error:
            outcome = error
        if ticks_diff(ticks_ms(), begun) >= _LONGEST_MS:
            pause_ms = _FIRST_MS
        try:
            report(outcome)
        except Exception:
            pass  # short of memory, most likely: the work counts, not the word about it
        await asyncio.sleep_ms(pause_ms)
        pause_ms = min(2 * pause_ms, _LONGEST_MS)
