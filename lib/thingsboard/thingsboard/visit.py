# In touch with the server once, and then no more: for devices that sleep.
#
# A server holds back what it has for such a device (PSM, eDRX). It sends that before it answers
# the first request, commands perhaps twice, and to whoever is registered then. So the first
# request is the registration for commands, and all others wait for its answer.

import asyncio

from micropython import const

from .jobs import observe, send

_LISTEN_MS = const(2000)
# Without a sign of the server: another time. A second look at a doubtful time takes 30 s.
_SILENCE_MS = const(40_000)
_PATIENCE_MS = const(5000)  # with a server that is heard, and does not answer the first request
_LIMIT_MS = const(120_000)
_UPDATE_MS = const(1_200_000)  # the limit with an update under way
_STEP_MS = const(50)
# Commands that were held back may come twice, the second time after the reply. The ids of a server
# begin anew with a restart, which takes longer.
_AGAIN_MS = const(10_000)


async def visit(device, updater=None, errands=(), listen_ms=_LISTEN_MS, limit_ms=_LIMIT_MS):
    """Bring a device and its server up to date with each other; return whether that was done.

    Registers for commands and attributes, does the errands, then sends the outbox, lets the
    updater work, and obeys, until nothing more is to be done and the server has said nothing for
    listen_ms. False: there was no sign of it for 40 s, or limit_ms are over (20 minutes with an
    update under way). errands are (name, function that returns a coroutine), for what is
    to be done once; what ends one is reported.
    """
    device.commands.again_ms = _AGAIN_MS
    one = _Visit(device, updater, errands)
    one.begin("rpc", one.observing("rpc", device.take_command, False))
    waits = 2  # steps: for the answer, then for the errands
    try:
        clock = device.clock
        endpoint = device.client.endpoint
        begun = last = clock.uptime_ms()
        heard = first = endpoint.heard
        while True:
            await asyncio.sleep_ms(_STEP_MS)
            now = clock.uptime_ms()
            if endpoint.heard != heard:
                heard = endpoint.heard
                last = now
            refused = endpoint.heard != first and now - begun >= _PATIENCE_MS
            if waits == 2 and (refused or "rpc" not in one.left):
                waits = 1
                one.begin_others()
            if waits == 1 and not one.errands_left():
                waits = 0
                one.begin_sending()
            done = not (waits or one.busy())
            if done and now - last >= listen_ms:
                return True
            limit = max(limit_ms, _UPDATE_MS) if updater and updater.busy else limit_ms
            if not done and now - last >= _SILENCE_MS or now - begun >= limit:
                return done
    finally:
        # The server is not told: that would be a datagram, and the next registration says more.
        observations = device.session.observations
        while observations:
            observations.popitem()[1].drop()
        for task in one.tasks:
            task.cancel()


class _Visit:
    # What is under way, and what is left to be done.

    def __init__(self, device, updater, errands):
        self.device = device
        self.updater = updater
        self.errands = errands
        self.tasks = []
        self.left = {"rpc", "attributes"}  # names of what was not answered or done yet
        for name, _ in errands:
            self.left.add(name)

    def begin(self, name, job):
        self.tasks.append(asyncio.create_task(self.device.session.supervise(name, job)))

    def begin_others(self):
        device = self.device
        self.begin("attributes", self.observing("attributes", device.take_state, True))
        for name, errand in self.errands:
            self.tasks.append(asyncio.create_task(self._do(name, errand)))
        if self.updater:
            self.begin("update", self.updater.run)

    def errands_left(self):
        return [name for name, _ in self.errands if name in self.left]

    def begin_sending(self):
        # After the errands: one of them may be a look at the time, which records wait for.
        device = self.device
        path = device.path + ("telemetry",)
        self.begin("telemetry", lambda: send(device.session, path, device.outbox))

    def observing(self, name, take, ordered):
        # A function that returns the coroutine that observes.
        async def taken(observation, message):
            await take(observation, message)
            self.left.discard(name)

        device = self.device
        return lambda: observe(device.session, device.path + (name,), taken, ordered)

    def busy(self):
        device = self.device
        updates = self.updater and self.updater.busy
        return self.left or len(device.outbox) or device.commands.busy or updates

    async def _do(self, name, errand):
        try:
            await errand()
        except Exception as error:
            self.device.session.report(name, error)
        self.left.discard(name)
