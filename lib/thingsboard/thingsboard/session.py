# Keeps a Device alive: observations, commands, outbox, clock, keep-alive; never gives up.
#
# Each job catches whatever comes, also what it does not expect: it reports it, waits and goes on.
# A device in the field has nobody who would start the job again.

import asyncio
from random import randrange

from micropython import const

_OBSERVE = const(6)
_BAD_REQUEST = const(0x80)
_UNAUTHORIZED = const(0x81)

_TIMEOUT_MS = const(20_000)  # of one request: short enough for a fresh start soon after an outage
_SETTLE_MS = const(10_000)  # between registrations that a recovery asks for
_RECONNECT = const(3)  # silences in a row, then a new source port and a new look at the DNS
_SYNC_MS = const(6 * 3600_000)  # between looks at the time, and after one that failed
_RETRY_MS = const(60_000)
_UNAUTHORIZED_MS = const(300_000)  # a wrong access token is not hammered
_MAX_DELAY_MS = const(60_000)
_RECORDS = const(64)  # in one batch


async def run(device, updater=None, keepalive_ms=25_000, reregister_ms=300_000):
    """Keep a device in touch with its server until cancelled.

    Watches attributes and commands, sends the outbox, sets the clock, runs the updater's run().
    keepalive_ms keeps a NAT's binding open and notices a dead server (0: off, for low power);
    reregister_ms, give or take a tenth, bounds how long a server that forgot us goes unnoticed.
    """
    jobs = [
        _observe(device, "attributes"),
        _observe(device, "rpc"),
        _send(device),
        _keep(device, keepalive_ms, reregister_ms),
    ]
    if updater:
        jobs.append(updater.run())
    try:
        await asyncio.gather(*jobs)
    finally:
        for observation in device.observations.values():
            observation.cancel()


async def _observe(device, feature):
    # One observation, for ever. Attributes come in order and whole at first; commands do not.
    attributes = feature == "attributes"
    tries = 0
    while True:
        try:
            observation = device.client.observe(
                device.path + (feature,), timeout_ms=_TIMEOUT_MS, ordered=attributes
            )
            device.observations[feature] = observation
            token = None
            expected = 0
            async for message in observation:
                tries = 0
                device.problem = None
                number = message.uint(_OBSERVE)
                if message.token != token:
                    token = message.token
                    expected = number if expected >> 24 else 0
                first = not number  # so it answers a registration; that answer may be lost
                if number > expected:
                    # Lost on the way, or replaced by the server: ask for all of it, once.
                    observation.register()
                    number = 1 << 24
                expected = max(expected, number + 1)
                if attributes:
                    device.take_attributes(message.payload, first)
                elif message.payload:
                    asyncio.create_task(_command(device, message.payload))
        except Exception as error:
            tries = await _failed(device, feature, error, tries)


async def _command(device, payload):
    try:
        await device.take_rpc(payload)
    except Exception as error:
        device.report("rpc", error)


async def _send(device):
    # The outbox, batch by batch; each leaves it only after its 2.01.
    outbox = device.outbox
    most = _RECORDS
    tries = 0
    while True:
        end, count, body = outbox.batch(most)
        if not count:
            await asyncio.sleep_ms(250)
            continue
        try:
            await device.request(2, "telemetry", body=body, timeout_ms=_TIMEOUT_MS)
            device.problem = None
            tries = 0
        except Exception as error:
            if getattr(error, "code", 0) != _BAD_REQUEST:
                tries = await _failed(device, "telemetry", error, tries)
                continue
            if count > 1:
                most = count // 2  # one of them is refused: halve until it is alone
                continue
            outbox.refused += 1
            device.report(body, error)
        outbox.remove(end)
        most = min(most * 2, _RECORDS)


async def _keep(device, keepalive_ms, reregister_ms):
    # Once a second: is the time due, a sign of life, or a registration?
    client = device.client
    opened = client.transport.opened
    pinged_ms = registered_ms = sync_ms = 0
    period_ms = reregister_ms
    while True:
        await asyncio.sleep_ms(1000)
        try:
            if device.silences >= _RECONNECT:
                device.silences = 1
                client.reconnect()
            now = device.clock.uptime_ms()
            if now >= sync_ms:
                sync_ms = now + _RETRY_MS
                await device.clock.sync(client)
                sync_ms = now + _SYNC_MS
            if keepalive_ms and now - pinged_ms >= keepalive_ms:
                await device.watch(client.ping(_TIMEOUT_MS))
                pinged_ms = now
            age_ms = now - registered_ms
            if (
                age_ms > period_ms
                or age_ms > _SETTLE_MS
                and (device.recovered or client.transport.opened != opened)
            ):
                opened = client.transport.opened
                device.recovered = False
                registered_ms = now
                period_ms = reregister_ms * (900 + randrange(201)) // 1000
                for observation in device.observations.values():
                    observation.register()
        except Exception as error:
            device.report("session", error)


async def _failed(device, job, error, tries):
    # Wait before the next try: 1 s, doubling to a minute, at random between half and all of it; to
    # no more than 8 s after silence, which took its time already.
    device.observations.pop(job, None)
    device.report(job, error)
    delay_ms = min(1000 << tries, _MAX_DELAY_MS)
    code = getattr(error, "code", 0)
    if code == _UNAUTHORIZED:
        delay_ms = _UNAUTHORIZED_MS
    await asyncio.sleep_ms(delay_ms // 2 + randrange(delay_ms // 2))
    return min(tries + 1, 6 if code else 3)
