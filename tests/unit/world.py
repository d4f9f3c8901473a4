"""For the tests of the session: time that jumps to what is due, and a client without a net."""

import asyncio
import errno

from coap.message import Message
from fakes import Board, Loop, turns
from thingsboard.clock import Clock
from thingsboard.device import Device
from thingsboard.jobs import run
from thingsboard.session import Session

NOW_S = 1_790_000_000
OBSERVE = 6
ACK = 2

_real_sleep = asyncio.sleep
_real_sleep_ms = asyncio.sleep_ms
_real_wait_for_ms = asyncio.wait_for_ms


class World(Board):
    """`with World() as world:` sleeps take no time; the clock jumps to the next that ends.

    It is also the module `time` of a Clock, with a clock that nobody has set. turns: of the event
    loop, after which all tasks have done what they can; one task that sleeps needs few.
    """

    def __init__(self, turns=30):
        super().__init__()
        self.turns = turns
        self.loop = Loop()
        self.waits = 0  # calls of wait_for_ms()
        self._sleepers = []  # [until, event]

    def __enter__(self):
        asyncio.sleep = self.sleep
        asyncio.sleep_ms = self.sleep_ms
        asyncio.wait_for_ms = self.wait_for_ms
        self.loop.__enter__()
        return self

    def __exit__(self, *_):
        self.loop.__exit__()
        asyncio.sleep = _real_sleep
        asyncio.sleep_ms = _real_sleep_ms
        asyncio.wait_for_ms = _real_wait_for_ms

    async def sleep(self, s):
        await self.sleep_ms(int(1000 * s))

    async def sleep_ms(self, ms):
        sleeper = [self.now + ms, asyncio.Event()]
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    async def wait_for_ms(self, coroutine, ms):
        self.waits += 1
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

    def pass_ms(self, ms):
        """Let this much time pass for all tasks."""
        self.loop.run(self._pass_ms(ms))

    async def _pass_ms(self, ms):
        end = self.now + ms
        while True:
            await turns(self.turns)
            self.now = min([until for until, _ in self._sleepers] + [end])
            woken = [sleeper for sleeper in self._sleepers if sleeper[0] <= self.now]
            for sleeper in woken:
                self._sleepers.remove(sleeper)
                sleeper[1].set()
            if self.now == end and not woken:
                return


class Observation:
    """What Client.observe() returns; the test puts messages and exceptions into it."""

    def __init__(self, client, path, type, timeout_ms, ordered):
        self.path = path
        self.type = type
        self.timeout_ms = timeout_ms
        self.ordered = ordered
        self.registered = 0
        self.whole = True
        self.cancelled = self.dropped = self.served = False
        self.token = b""
        self._answered = b""  # the token of the last registration that has an answer
        self._queue = []
        self._event = asyncio.Event()
        self._client = client
        self.register()

    def register(self):
        error = self._client.answers("register " + self.path[-1])
        if error:
            raise error
        self.registered += 1
        self.token = bytes([self.registered])
        self._client.done.append((self._client.world.now, "register", self.path[-1]))

    def cancel(self):
        self.cancelled = True

    def drop(self):
        self.dropped = True

    def notify(self, number, payload=b"{}", token=None, type=None, acknowledged=None):
        """Put a message: by default the first under a token in the registration's ACK."""
        token = token or self.token
        if type is None:
            type = self.type if token <= self._answered else ACK
        self._answered = max(self._answered, token)
        message = Message(0x45, payload, [(OBSERVE, bytes([number]))], type, token)
        message.acknowledged = type == ACK if acknowledged is None else acknowledged
        self.put(message)

    def put(self, outcome):
        self._client.endpoint.heard += 1
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


def failing(what, faults):
    """Return answers() of a Client: one fault of the list after the other (None: 2.01) for `what`.

    All else is well, and the server's time is NOW_S.
    """

    def answers(asked):
        if asked == what and faults:
            return faults.pop(0)
        if asked == "efento/t":
            return Message(0x45, NOW_S.to_bytes(4, "big"))

    return answers


class Client:
    """A coap.Client whose server answers from answers(what), `what` being a path's end.

    It returns a Message, an exception, or None for 2.01; of "observe" and "register rpc" (or
    another path's end) an exception or None. done
    has (instant, kind, what) of all it was asked for.
    """

    class Endpoint:
        heard = 0
        message_id = 7
        retransmissions = 0

    on_open = None

    def __init__(self, world):
        self.world = world
        self.answers = failing("", [])
        self.endpoint = self.Endpoint()
        self.done = []
        self.payloads = []
        self.observations = []

    def observe(self, path, type, timeout_ms, ordered):
        error = self.answers("observe")
        if error:
            raise error
        self.observations.append(Observation(self, path, type, timeout_ms, ordered))
        return self.observations[-1]

    async def request(self, code, path, payload=b"", query=(), timeout_ms=0):
        self.payloads.append(payload)
        return await self._answer(path[-1])

    async def get(self, path, timeout_ms):
        return await self._answer(path)

    def reconnect(self):
        self.done.append((self.world.now, "reconnect", ""))
        if self.on_open:
            self.on_open()

    async def _answer(self, what):
        self.done.append((self.world.now, "request", what))
        await turns(1)
        answer = self.answers(what)
        if isinstance(answer, Exception):
            raise answer
        self.endpoint.heard += 1
        return answer or Message(0x41)

    def times(self, what):
        """Return the instants at which something was done."""
        return [at for at, kind, name in self.done if what in (kind, name)]


def silence():
    return OSError(errno.ETIMEDOUT)


def session(outbox=None, **parameters):
    """Decorate test(world, client, device, log), which runs beside a session.

    The session begins with the first pass_ms() and must not end by itself. parameters are those
    of run(); log has the lines that it was told. outbox(clock) makes another outbox.
    """

    def decorate(test):
        def play():
            with World() as world:
                client = Client(world)
                log = []
                clock = Clock(world)
                made = outbox(clock) if outbox else None
                device = Device(client, "TOK", clock=clock, outbox=made)
                device.session = Session(client, device.clock, log.append, lambda n: n // 2)
                device.attributes.report = device.commands.report = device.session.report
                task = world.loop.start(run(device, **parameters))
                test(world, client, device, log)
                world.pass_ms(0)
                assert not task.done()
                world.loop.cancel(task)
                world.pass_ms(0)  # its jobs end a turn later
                assert all([observation.cancelled for observation in client.observations])

        return play

    return decorate
