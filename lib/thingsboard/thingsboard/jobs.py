# What a session does all the time: observes, sends the outbox, does what is due.
#
# What is decided stands in link.py; here is the asyncio driver, which sleeps until something is
# due. Each job goes on after what is to be expected of a network. What is not, ends it, is
# counted, and a supervisor begins it again: a device in the field has nobody to do so.

import asyncio

from coap import ResponseError, TransferError
from micropython import const

from .link import Schedule, Sequence

_CON = const(0)
_OBSERVE = const(6)
_POST = const(2)
_VALID = const(0x43)  # 2.03
_BAD_REQUEST = const(0x80)
_TOO_LARGE = const(0x8D)  # 4.13
_TIMEOUT_MS = const(20_000)  # of one request: short enough for a fresh start soon after an outage
_LIVED_MS = const(60_000)  # an observation that lived so long was no failure
_EIO = const(5)
_NON_TIMEOUT_MS = const(5000)  # of a registration that nothing repeats
_STATE_SIGNS = const(2)  # of so many signs of life one asks for the state, which may be large
_WRITE_MS = const(1000)  # between looks whether a journal has something to write
_EXPECTED = (OSError, ResponseError, TransferError, ValueError)


async def run(device, updater=None, keepalive_ms=25_000, reregister_ms=300_000, rpc_type=_CON):
    """Keep a device in touch with its server until cancelled.

    Watches attributes and commands, sends the outbox, sets the clock, runs the updater's run().
    keepalive_ms is the time between signs of life, new registrations for commands: they keep a
    NAT's binding open, or tell the server the new one, and notice a dead server (0: off, for low
    power). Every second is one for attributes, too. reregister_ms, give or take a tenth, bounds
    how long a server that forgot us goes unnoticed.
    rpc_type is how commands come. CON: one at a time, each repeated until it has come; of one-way
    commands that are sent at once the server drops all but the first and the last. NON, for
    owners who send such: each comes at once, and once; what the link loses of them is lost. The
    socket of a board holds four to six, and ten may be under way.
    """

    session = device.session
    path = device.path
    jobs = [
        ("attributes", lambda: observe(session, path + ("attributes",), device.take_state)),
        ("rpc", lambda: observe(session, path + ("rpc",), device.take_command, False, rpc_type)),
        ("telemetry", lambda: send(session, path + ("telemetry",), device.outbox)),
        ("session", lambda: keep(session, keepalive_ms, reregister_ms)),
    ]
    if hasattr(device.outbox, "keep"):
        jobs.append(("journal", lambda: write(session, device.outbox)))
    if updater:
        jobs.append(("update", updater.run))
    await asyncio.gather(*[session.supervise(name, job) for name, job in jobs])


async def observe(session, path, take, ordered=True, type=_CON):
    """Keep an observation until cancelled.

    await take(observation, message) gets each message, where ordered none that is older than the
    last, and of a large one the first block. type is the registration's and the messages'.
    """
    name = path[-1]
    timeout_ms = _NON_TIMEOUT_MS if type else _TIMEOUT_MS
    failures = 0  # in a row
    silence = True  # whether the last one was just that
    while True:
        begun = session.clock.uptime_ms()
        try:
            observation = session.client.observe(
                path,
                type=type,
                timeout_ms=timeout_ms,
                ordered=ordered,
            )
            observation.whole = not ordered
            session.observations[name] = observation
            sequence = Sequence()
            async for message in observation:
                session.heard()
                # 2.03 is the answer to a registration for commands, and says nothing of others.
                con = message.type == _CON and not message.acknowledged and message.code != _VALID
                now = session.clock.uptime_ms()
                if sequence.take(message.token, message.uint(_OBSERVE), con, now):
                    observation.register()
                if sequence.hides:
                    session.look_soon(name)
                await take(observation, message)
                if silence or session.clock.uptime_ms() - begun >= _LIVED_MS:
                    failures = 0
                    session.well(name)
        except _EXPECTED as error:
            if session.clock.uptime_ms() - begun >= _LIVED_MS:
                failures = 0
            failures += 1
            silence = isinstance(error, OSError)
            if silence:
                session.silent(session.clock.uptime_ms() - timeout_ms)
            await session.failed(name, error, failures)
        finally:
            session.end_observation(name)


async def send(session, path, outbox):
    """Send an outbox batch by batch until cancelled; each leaves it only after its 2.01.

    A failure makes later batches smaller; only a 4.00 for a single record costs that record.
    """
    failures = 0  # in a row
    while True:
        try:
            if len(outbox):
                await session.clock.refresh(session.client)
            payload = outbox.batch()
            if not payload:
                await _restocked(session, outbox.wait_ms())
                continue
            request = session.client.request(_POST, path, payload, timeout_ms=_TIMEOUT_MS)
            await session.watch(request)
            session.well("telemetry")
            outbox.accepted()
            failures = 0
        except (MemoryError,) + _EXPECTED as error:
            if getattr(error, "code", 0) not in (_BAD_REQUEST, _TOO_LARGE):
                failures += 1
                outbox.failed()
                await session.failed("telemetry", error, failures)
            elif record := outbox.rejected():
                session.report(record, error)


async def write(session, journal):
    """Have a journal write what has waited for long enough until cancelled; tell its problems."""
    told = None
    damaged = 0
    while True:
        problem = journal.keep()
        if journal.damaged != damaged and not problem:
            text = "journal: %d records are damaged" % (journal.damaged - damaged)
            problem = OSError(_EIO, text)
            damaged = journal.damaged
        if problem is not told:
            told = problem
            if problem:
                session.report("journal", problem)
            else:
                session.well("journal")
        await asyncio.sleep_ms(_WRITE_MS)


async def _restocked(session, wait_ms):
    # Wait for a record, or until one that is there goes without its time.
    session.stock.clear()
    if wait_ms is None:
        await session.stock.wait()
        return
    try:
        await asyncio.wait_for_ms(session.stock.wait(), wait_ms)
    except asyncio.TimeoutError:
        pass


async def keep(session, keepalive_ms, reregister_ms):
    """Do what the schedule says until cancelled."""
    clock = session.clock
    schedule = Schedule(clock.uptime_ms(), keepalive_ms, reregister_ms, session.random)
    session.schedule = schedule
    session.client.on_open = session.register_soon
    signs = 0
    while True:
        now = clock.uptime_ms()
        job, due = schedule.next()
        if due > now:
            try:
                await asyncio.wait_for_ms(session.sooner.wait(), due - now)
            except asyncio.TimeoutError:
                pass
            session.sooner.clear()
            continue
        schedule.begin(job, now)
        try:
            if job == "sync":
                settled = await clock.sync(session.client)
                session.stock.set()
                session.well("clock")
                if not settled:
                    continue  # it is due again in a minute
            else:
                signs += job == "alive"
                for name, observation in session.observations.items():
                    if (
                        job in ("register", name)
                        or job == "alive"
                        and (observation.whole or not signs % _STATE_SIGNS)
                    ):
                        observation.register()
                session.well("session")
            schedule.done(job, now)
        except _EXPECTED as error:
            session.report("clock" if job == "sync" else "session", error)
