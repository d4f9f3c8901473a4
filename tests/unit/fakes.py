# Stand-ins for what the unix port and CPython hide, or have no need of.

import asyncio

from coap import ResponseError
from coap.message import Message


class Board:
    """The time module of a board: ticks that the test moves (`now`) and that wrap at 2**30 ms.

    Its epoch is 1970 or 2000, its clock set to a Unix time or still at its start.
    """

    def __init__(self, epoch=1970, unix_s=0, now=0):
        self.epoch = epoch
        self.offset_s = 946684800 if epoch == 2000 else 0
        self.unix_s = unix_s or self.offset_s
        self.now = now

    def ticks_ms(self):
        return self.now & (1 << 30) - 1

    def ticks_diff(self, a, b):
        return (a - b + (1 << 29) & (1 << 30) - 1) - (1 << 29)

    def gmtime(self, seconds=None):
        if seconds is None:
            seconds = self.unix_s - self.offset_s
        year = self.epoch + seconds // 31556952
        return (year, 1, 1, 0, 0, 0, 0, 1)

    def time_ns(self):
        return (self.unix_s - self.offset_s) * 1_000_000_000


class Client:
    """A coap.Client that answers from a list: Message, exception, or function(payload)."""

    class Endpoint:
        retransmissions = 0

    def __init__(self, *answers):
        self.endpoint = self.Endpoint()
        self.answers = list(answers)
        self.requests = []  # (code, path, payload)
        self.queries = []

    async def request(self, code, path, payload=b"", query=(), **how):
        self.requests.append((code, path, bytes(payload)))
        self.queries.append(list(query))
        answer = self.answers.pop(0) if self.answers else Message(0x41)
        if callable(answer):
            answer = answer(payload)
        if hasattr(answer, "send"):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        if answer.code >> 5 != 2:
            raise ResponseError(answer)
        return answer

    async def get(self, path, **how):
        return await self.request(1, path, **how)

    async def post(self, path, payload=b"", **how):
        return await self.request(2, path, payload, **how)


def run(coroutine):
    return asyncio.run(coroutine)


def raised(kind, call, *args, **how):
    """Return the exception of this kind that a call or its coroutine raises, or None."""
    try:
        result = call(*args, **how)
        if hasattr(result, "send"):
            run(result)
    except kind as error:
        return error


class Loop:
    """`with Loop() as loop:` asyncio for a plain test, turned by run() and at rest between."""

    def __enter__(self):
        self._loop = asyncio.new_event_loop()  # on MicroPython it forgets what a failed test left
        self._tasks = []
        return self

    def __exit__(self, *_):
        for task in self._tasks:
            task.cancel()
        self.run(turns(20))  # what they had begun ends too
        self._loop.close()

    def start(self, coroutine):
        """Return a task of it, which goes on whenever something is run, and ends with the loop."""
        self._tasks.append(self._loop.create_task(coroutine))
        return self._tasks[-1]

    def cancel(self, task):
        """Cancel a task and wait until it has ended; what it raises beside that is raised."""
        task.cancel()
        try:
            self.run(_end(task))
        except asyncio.CancelledError:
            pass

    def run(self, coroutine):
        """Return what a coroutine returns; the tasks go on meanwhile, on CPython a turn longer."""
        return self._loop.run_until_complete(coroutine)


async def _end(task):
    await task


_tick = asyncio.sleep_ms  # the real one


async def turns(n):
    """Let all tasks go on n times, or until all of them wait."""
    for _ in range(n):
        await _tick(0)
        if _all_wait():
            return


def _all_wait():
    # Whether the running task is the only one that could go on.
    if hasattr(asyncio, "core"):  # MicroPython
        core = asyncio.core
        first = core._task_queue.peek()
        return not first or core.ticks_diff(first.ph_key, core.ticks()) > 0
    return not asyncio.get_running_loop()._ready
