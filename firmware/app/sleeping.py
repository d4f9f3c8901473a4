# The life of a device that sleeps: it wakes, measures and sleeps again; now and then it reports.

import asyncio
import struct
from binascii import crc32

import deep_sleep
from micropython import const
from thingsboard.assignment import NAMES, assigned
from thingsboard.visit import visit

_CONNECT_MS = const(60_000)  # the Wi-Fi, credentials and the clock
_TELL_MS = const(10_000)  # a word about faults
_LOOK_MS = const(6 * 3600_000)  # between looks at the server's time, once the sleeps are known
_AGAIN_MS = const(6 * 3600_000)  # after the start that put an update off
_PACKAGES = [prefix + name for prefix in ("fw", "sw") for name in NAMES]

# Uptime, Unix time at uptime 0 (0: unknown), uptimes of the last look at the server's time and of
# its first refusal (0: none); how wrong the sleeps are; the interval; the journal's first record
# since power-on; which packages are settled; records that were dropped; measurements since the
# last report, reports that failed in a row; the last message id; whether the packages are only put
# off.
_STATE = const("<qqqqiIIIIHBHB")
_NAMES = (
    "uptime_ms",
    "start_ms",
    "looked_ms",
    "refused_since",
    "rate",
    "interval_ms",
    "born",
    "settled",
    "dropped",
    "measured",
    "failures",
    "message_id",
    "put_off",
)
_DOUBLINGS = const(2)
_SHORTEST_MS = const(1000)  # of a sleep
_MILLION = const(1000_000)
_RATE_MAX = const(100_000)  # millionths: as much as clock.py takes for drift
_LEARN_MS = const(1200_000)  # the server tells whole seconds: less teaches nothing


class Rhythm:
    """Counts through sleeps. kept: what keep() returned before the sleep; None: there was none.

    Every report_every-th measurement is one that is reported. After reports that failed it is
    every second, then every fourth of those: a battery is not spent on a server that is away.
    Unless woken is true nothing is known, and a report is due. Of the start before the first sleep
    there are only the packages that it has settled, as four bytes, and whether they are put off.
    """

    uptime_ms = start_ms = looked_ms = refused_since = 0
    rate = 0  # by how many millionths sleeps are longer than asked for
    born = settled = dropped = measured = failures = message_id = put_off = 0
    woken = False

    def __init__(self, report_every, interval_ms, kept=None):
        self.report_every = report_every
        self.interval_ms = interval_ms
        size = struct.calcsize(_STATE)
        if kept and len(kept) == 5:
            self.settled = int.from_bytes(kept[:4], "little")
            self.put_off = kept[4]
        elif kept and len(kept) == size + 4:
            state = kept[:size]
            if crc32(state) == int.from_bytes(kept[size:], "little"):
                self.woken = True
                for name, value in zip(_NAMES, struct.unpack(_STATE, state)):
                    setattr(self, name, value)

    def is_due(self):
        """Return whether the next measurement, not counted yet, is one to be reported."""
        late = min(max(0, self.failures - 1), _DOUBLINGS)
        return not self.woken or self.measured + 1 >= self.report_every << late

    def reported(self, done):
        """Note that a report was made, or was tried in vain."""
        self.measured = 0
        self.failures = 0 if done else min(self.failures + 1, 255)

    def looked(self, uptime_ms, start_ms):
        """Note a look at the server's time, and learn from it how long the sleeps really are."""
        counted_ms = uptime_ms - self.looked_ms
        if self.start_ms and counted_ms >= _LEARN_MS:
            error = (start_ms - self.start_ms) * _MILLION // counted_ms
            if abs(error) <= _RATE_MAX:  # else it is the server's time that jumped
                # By half: one look is a second wrong at worst.
                self.rate = max(-_RATE_MAX, min(self.rate + error // 2, _RATE_MAX))
        self.looked_ms = uptime_ms
        self.start_ms = start_ms

    def refused_ms(self, uptime_ms, refused):
        """Return for how long the server has refused this device, from report to report."""
        self.refused_since = (self.refused_since or uptime_ms) if refused else 0
        return uptime_ms - self.refused_since if refused else 0

    def wants(self, packages):
        """Note which packages are assigned (assignment.assigned()); return whether to see to them.

        That is once for each, and anew if they were put off hours ago.
        """
        is_old = packages == self.settled
        self.settled = packages
        return packages and (not is_old or self.put_off and self.uptime_ms >= _AGAIN_MS)

    def sleep_ms(self, uptime_ms):
        """Return for how long to sleep from an uptime on, to be awake at the next measurement.

        That is one interval after this start, or several. uptime_ms is that of the wake then.
        """
        awake_ms = uptime_ms - self.uptime_ms
        left_ms = self.interval_ms - awake_ms % self.interval_ms
        while left_ms < _SHORTEST_MS:
            left_ms += self.interval_ms
        self.uptime_ms = uptime_ms + left_ms
        return left_ms * _MILLION // (_MILLION + self.rate)

    def keep(self):
        """Return what is to be kept through the sleep, bytes."""
        self.measured = min(self.measured, 65535)
        state = struct.pack(_STATE, *[getattr(self, name) for name in _NAMES])
        return state + crc32(state).to_bytes(4, "little")


class Sleeper:
    """One start of an Application that ends a sleep. kept: what deep_sleep.woken() returned."""

    def __init__(self, application, kept):
        config = application.config
        self.application = application
        self.rhythm = Rhythm(config["report_every"], 1000 * config["interval"], kept)

    def resume(self, clock):
        """Let a clock go on as if there had been no sleep; return the journal's `born` then."""
        rhythm = self.rhythm
        if rhythm.woken:
            unsure_ms = rhythm.uptime_ms - rhythm.looked_ms
            clock.resume(rhythm.uptime_ms, rhythm.start_ms or None, unsure_ms)
            return rhythm.born

    def measure(self, measuring):
        """Measure, and sleep unless this is the time to report, or the flash takes no record.

        After a report in vain that is no reason: the server is away, and a battery is worth more
        than a record.
        """
        rhythm = self.rhythm
        journal = self.application.journal
        journal.dropped = rhythm.dropped
        reports = rhythm.is_due()
        measuring.measure()
        rhythm.measured += 1
        rhythm.born = journal.born
        journal.write()
        if journal.problem:
            self.application.log(str(journal.problem))
            reports = reports or not rhythm.failures
        if not reports:
            self._sleep()

    async def report(self):
        """Be in touch with the server as far as that succeeds, then sleep."""
        application = self.application
        rhythm = self.rhythm
        done = False
        try:
            measuring = await asyncio.wait_for_ms(self._connect(), _CONNECT_MS)
            done = await self._visit(measuring)
        except asyncio.TimeoutError:
            application.log("no network, or a server that does not know this device; another time")
        rhythm.reported(done)
        device = application.device
        if device:
            rhythm.message_id = device.client.endpoint.message_id
            self._judge(device)
        self._sleep()

    async def _connect(self):
        await self.application.in_network.wait()
        return await self.application.connect()

    async def _visit(self, measuring):
        # Return whether all was done.
        application = self.application
        rhythm = self.rhythm
        device = measuring.device
        if rhythm.woken:
            device.client.endpoint.message_id = rhythm.message_id
        device.on_attributes(lambda changed, deleted: None, _PACKAGES)
        errands = []
        if not rhythm.rate or device.clock.uptime_ms() - rhythm.looked_ms >= _LOOK_MS:
            errands.append(("clock", lambda: self._look(device)))
        measuring.interval_ms = rhythm.interval_ms
        done = await visit(device, None, errands, 1000 * application.config["listen"])
        if done and "interval" not in device.shared:
            measuring.interval_ms = 1000 * measuring.default_interval
        rhythm.interval_ms = measuring.interval_ms
        self._learn(device.clock, errands)
        if done:
            await self._tell_faults(device)
            if rhythm.wants(assigned(device.shared)):
                application.restart("a package is assigned")
        return done

    def _judge(self, device):
        # A server that has refused this device for long does not know it any more.
        application = self.application
        refused = "4.01" in (device.problem or "")
        refused_ms = self.rhythm.refused_ms(device.clock.uptime_ms(), refused)
        limit_s = application.config["refused"]
        if limit_s and refused_ms >= 1000 * limit_s and application.was_provisioned():
            application.renew()

    async def _tell_faults(self, device):
        if device.session.faults:
            try:
                await asyncio.wait_for_ms(self.application.tell_faults(), _TELL_MS)
            except Exception as error:  # whatever the answer is, the report was made
                device.session.report("session", error)

    async def _look(self, device):
        await device.clock.sync(device.client)
        device.session.stock.set()  # records may have waited for the time

    def _learn(self, clock, errands):
        # Of a look at the time, which a second one may have settled meanwhile.
        start_ms = clock.at(0)
        if errands and start_ms is not None:
            self.rhythm.looked(clock.uptime_ms(), start_ms)

    def _sleep(self):
        application = self.application
        application.restarts.settled()
        left = application.journal.finish()
        self.rhythm.dropped = application.journal.dropped + left
        ms = self.rhythm.sleep_ms(application.clock.uptime_ms())
        application.log("asleep for %d s, %d records wait" % (ms // 1000, len(application.outbox)))
        deep_sleep.sleep(ms, self.rhythm.keep(), application.config["watchdog"])
