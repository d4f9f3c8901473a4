"""For the tests of the session: time that jumps to what is due, and a client without a net."""

import asyncio

from coap.message import Message

OBSERVE = 6

_real_sleep_ms = asyncio.sleep_ms
_real_wait_for_ms = asyncio.wait_for_ms
_ROUNDS = 30  # turns of the event loop after which all tasks have done what they can


class World:
    """`World().run(scene)`: asyncio's sleeps take no time; the clock jumps to the next that ends.

    It is also the module `time` of a Clock, with a clock that nobody has set.
    """

    def __init__(self):
        self.now = 0
        self._sleepers = []  # [until, event]

    def ticks_ms(self):
        return self.now & (1 << 30) - 1

    def ticks_diff(self, a, b):
        return (a - b + (1 << 29) & (1 << 30) - 1) - (1 << 29)

    def gmtime(self, seconds=None):
        return (1970, 1, 1, 0, 0, 0, 0, 1)

    async def sleep_ms(self, ms):
        sleeper = [self.now + ms, asyncio.Event()]
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    async def wait_for_ms(self, coroutine, ms):
        over = asyncio.Event()
        results = []

        async def wait():
            results.append(await coroutine)
            over.set()

        async def limit():
            await self.sleep_ms(ms)
            over.set()

        tasks = [asyncio.create_task(wait()), asyncio.create_task(limit())]
        try:
            await over.wait()
        finally:
            for task in tasks:
                task.cancel()
        if not results:
            raise asyncio.TimeoutError
        return results[0]

    async def pass_ms(self, ms):
        """Let this much time pass for all other tasks."""
        end = self.now + ms
        while True:
            for _ in range(_ROUNDS):
                await _real_sleep_ms(0)
            due = min([until for until, _ in self._sleepers] + [end])
            if due >= end:
                self.now = end
            else:
                self.now = due
            woken = [sleeper for sleeper in self._sleepers if sleeper[0] <= self.now]
            for sleeper in woken:
                self._sleepers.remove(sleeper)
                sleeper[1].set()
            if due >= end and not woken:
                return

    def run(self, scene):
        """Run a coroutine function with the sleeps of this world."""
        asyncio.sleep_ms = self.sleep_ms
        asyncio.wait_for_ms = self.wait_for_ms
        try:
            asyncio.run(scene())
        finally:
            asyncio.sleep_ms = _real_sleep_ms
            asyncio.wait_for_ms = _real_wait_for_ms


class Observation:
    """What Client.observe() returns; the test puts messages and exceptions into it."""

    def __init__(self, client, path):
        self.path = path
        self.registered = 0
        self.cancelled = False
        self.token = b""
        self._queue = []
        self._event = asyncio.Event()
        self._client = client
        self.register()

    def register(self):
        self.registered += 1
        self.token = bytes([self.registered])
        self._client.done.append((self._client.world.now, "register", self.path[-1]))

    def cancel(self):
        self.cancelled = True

    def notify(self, number, payload=b"{}", token=None):
        options = [(OBSERVE, bytes([number]))]
        self.put(Message(0x45, payload, options, token=token or self.token))

    def put(self, outcome):
        self._queue.append(outcome)
        self._event.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._queue:
            self._event.clear()
            await self._event.wait()
        outcome = self._queue.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Client:
    """A coap.Client whose server answers from `answers`, or else with 2.01 at once.

    done has (instant, what, path's end or payload) of all it was asked for. answers(code, path)
    returns a Message, an exception, or None for 2.01.
    """

    class Endpoint:
        retransmissions = 0

    on_open = None

    def __init__(self, world, answers=lambda what: None):
        self.world = world
        self.answers = answers
        self.endpoint = self.Endpoint()
        self.done = []
        self.payloads = []
        self.observations = []

    def observe(self, path, timeout_ms, ordered):
        error = self.answers("observe")
        if error:
            raise error
        self.observations.append(Observation(self, path))
        return self.observations[-1]

    async def request(self, code, path, payload=b"", query=(), timeout_ms=0):
        self.payloads.append(payload)
        return await self._answer(path[-1])

    async def get(self, path, timeout_ms):
        return await self._answer(path)

    async def ping(self, timeout_ms):
        return await self._answer("ping")

    def reconnect(self):
        self.done.append((self.world.now, "reconnect", ""))
        if self.on_open:
            self.on_open()

    async def _answer(self, what):
        self.done.append((self.world.now, "request", what))
        await _real_sleep_ms(0)
        answer = self.answers(what)
        if isinstance(answer, Exception):
            raise answer
        return answer or Message(0x41)

    def times(self, what):
        """Return the instants at which something was done."""
        return [at for at, kind, name in self.done if what in (kind, name)]
