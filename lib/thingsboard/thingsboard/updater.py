# Updates: watches fw_* and sw_*, lets packages be downloaded into slots, reports states
# (ThingsBoard: OTA updates).
#
# What becomes of an assignment:
#   1 nothing is to do: it is not complete, was refused before, or runs already. What runs is told
#     as UPDATED, once per assignment and start: the server waits for it
#   2 it is refused: FAILED with the reason, and not tried again until the assignment changes
#   3 silence, a busy server, a full flash: it is tried again after a wait; so is what the server
#     does not have, a few times
#   4 another assignment takes its place: the same, with that one
#   5 it is in the slot: UPDATING, and the board starts anew
# In 3 and 4 the slot keeps what it has. What failed on trial the slot refuses: that is 2.
#
# How a package comes is the business of coap.downloading. Another way to download fits into
# _load(): a coroutine that feeds an abupdate.image.Image from image.offset on, until that equals
# image.size. It may be cancelled at any await. It raises Refused for a package that will not do,
# and what the client raises.

import asyncio
from errno import ETIMEDOUT

from abupdate import Refused
from abupdate.image import Image
from coap.downloading import download
from micropython import const

from .assignment import NAMES, Assignment, Checksum

_CLIENT_ERROR = const(0x80)  # 4.00
_SERVER_ERROR = const(0xA0)  # 5.00 may be a rate limit
_REFUSALS = const(5)  # tries that end so before it counts: a cache may be cold for half a minute
_BLOCK = const(1024)  # bytes: one datagram
_BLOCK_MIN = const(128)
_MIN_DELAY_MS = const(1000)
_MAX_DELAY_MS = const(60_000)
_LONGEST = const(200)  # characters of a line in the log


class Updater:
    """Keeps a device's packages up to date; hand it to jobs.run().

    slots: {"fw": slot}, {"sw": slot} or both. keys: public keys (abupdate.header). reset() starts
    the board anew. progress(done, total) is told bytes. pause: while the flash is written nothing
    is on its way, for boards that do not listen then (RP2). connect is coap.connect, for packages
    at a coap:// address; without it they are refused.
    """

    def __init__(self, device, slots, keys, reset, progress=None, pause=False, connect=None):
        self.device = device
        self.slots = slots
        self.keys = keys
        self.reset = reset
        self.progress = progress or (lambda done, total: None)
        self.pause = pause
        self.connect = connect
        self._settled = {}  # by prefix: the id of the assignment that was, ending 1 or 2
        self._introduced = set()  # the prefixes of what was told as UPDATED at this start
        self._changed = asyncio.Event()  # other assignments came since they were read
        self._settling = True  # whether run() has something to do
        self._ids = None  # of the assignments as last heard
        self._renew()
        self.downloaded = 0  # bytes of the package under way, as last told to progress()
        self._fetching = None  # the assignment under way, and the task that downloads it
        self._download = None
        self._doing = "update"
        names = [prefix + name for prefix in ("fw", "sw") for name in NAMES]
        device.on_attributes(self.take_attributes, names)

    async def run(self):
        """Work until cancelled."""
        untold = list(self.slots)
        delay_ms = _MIN_DELAY_MS
        while True:
            try:
                while untold:
                    await self.introduce(untold[-1])
                    untold.pop()
                self._changed.clear()
                for prefix in ("fw", "sw"):
                    await self._settle(Assignment(prefix, self.device.shared))
                self._renew()
                delay_ms = _MIN_DELAY_MS
                self.device.session.well("update")
                self._settling = False
                await self._changed.wait()
                self._settling = True
            except Exception as error:
                self.device.session.report(self._doing, error)
                try:
                    await asyncio.wait_for_ms(self._changed.wait(), delay_ms)
                    delay_ms = _MIN_DELAY_MS
                except asyncio.TimeoutError:
                    delay_ms = min(2 * delay_ms, _MAX_DELAY_MS)

    @property
    def busy(self):
        """Whether there is something to do: to tell, to download, to try once more."""
        return self._settling or self._changed.is_set()

    async def introduce(self, prefix):
        """Tell what runs, once per start; that it reached the server confirms it."""
        slot = self.slots[prefix]
        title, version = slot.current()
        key = "current_" + prefix
        values = {key + "_title": title, key + "_version": version}
        tried = slot.on_trial()
        if tried:
            values[prefix + "_state"] = "UPDATED"  # told first: confirmed, it is past
            self._introduced.add(prefix)
        await self.device.send_telemetry(values)
        again = slot.confirm()
        if tried:
            self._log(prefix, "UPDATED", title + " " + version)
        if again:
            self._log(
                prefix, "on trial", "it has another turn, the release before has had its own"
            )
            self.reset()

    def _renew(self):
        # What was learned of a download is of no use to another one.
        self._furthest = self._refusals = 0  # the offset it came to; refusals since
        self._block = _BLOCK

    async def _settle(self, assignment):
        prefix = assignment.prefix
        self._doing = "update"
        if assignment.id == self._settled.get(prefix):
            return
        self._settled[prefix] = None
        if not assignment.is_complete():
            return
        try:
            await self._install(assignment, self.slots.get(prefix))
        except Refused as error:
            self._doing = "update"
            await self._tell(prefix, "FAILED", str(error))
            self._log(prefix, "FAILED", str(error))
        self._settled[prefix] = assignment.id

    async def _install(self, assignment, slot):
        prefix = assignment.prefix
        if not slot:
            raise Refused("this board takes no " + prefix)
        assignment.check()
        checksum = str(assignment.checksum or "").lower()
        told = prefix in self._introduced
        self._introduced.discard(prefix)
        if tuple(slot.current()) == (assignment.title, assignment.version):
            if not (checksum and slot.differs(checksum)):
                if not told:
                    await self._tell(prefix, "UPDATED")
                    self._log(prefix, "UPDATED", "it runs already")
                return
        image = Image(self.keys, slot, assignment.title, assignment.version, assignment.size)
        try:
            await self._tell(prefix, "DOWNLOADING")
            await self._fetch(assignment, image)
            await self._tell(prefix, "DOWNLOADED")
            self._verify(assignment, slot)
            await self._tell(prefix, "VERIFIED")
            slot.note(checksum)
            slot.activate()
        finally:
            slot.abort()
        try:
            await self._tell(prefix, "UPDATING")
        finally:
            self.reset()

    async def _fetch(self, assignment, image):
        # As a task of its own, so that another assignment can end it.
        endpoint = self.device.client.endpoint
        heard = endpoint.heard
        self._download = asyncio.create_task(self._load(assignment, image))
        self._fetching = assignment
        try:
            await self._download
        except asyncio.CancelledError:
            if self._fetching:
                raise  # we are cancelled, not it
            raise OSError("another package was assigned")
        except Exception as error:
            if image.offset > self._furthest:
                self._furthest = image.offset
                self._refusals = 0
            elif error.args[:1] == (ETIMEDOUT,) and endpoint.heard != heard:
                # It is only the block that does not come: the path may drop large datagrams.
                self._block = max(self._block // 2, _BLOCK_MIN)
            if _CLIENT_ERROR <= getattr(error, "code", 0) < _SERVER_ERROR:
                self._refusals += 1
                if self._refusals > _REFUSALS:
                    raise Refused("the server answered %s" % error)
            raise
        finally:
            self._download.cancel()
            self._fetching = self._download = None

    async def _load(self, assignment, image):
        client = self.device.client
        if assignment.url:
            from .url import reach

            self._doing = "download"  # what goes wrong is not our server's
            client, path, query = await reach(assignment.url, self.connect, client.window_limit)
        elif not self.device.access_token:
            raise Refused("X.509 devices get no package so; assign it by fw_url, coap://...")
        else:
            path = assignment.prefix, self.device.access_token
            query = assignment.query()
        try:
            how = assignment.size, self._block, self.pause, self._got
            await download(client, path, query, image, *how)
        finally:
            if client is not self.device.client:
                client.close()
        self._doing = "update"
        if image.offset != image.size:
            raise Refused("shorter than its manifest says")

    def _got(self, done, total):
        self.downloaded = done
        self.progress(done, total)

    def _verify(self, assignment, slot):
        check = Checksum(assignment.algorithm)
        slot.finish(check.update)
        if not check.matches(assignment.checksum):
            raise Refused("the checksum does not match")
        if assignment.checksum and not check.known:
            self.device.session.log(
                "%s is not checked: the signature decides" % (assignment.algorithm,)
            )

    def take_attributes(self, changed, deleted):
        """Hear of new shared attributes, as a listener of the device."""
        ids = [Assignment(prefix, self.device.shared).id for prefix in ("fw", "sw")]
        if ids == self._ids:
            return
        self._ids = ids
        self._renew()
        self._changed.set()
        fetching = self._fetching
        if fetching and fetching.id != Assignment(fetching.prefix, self.device.shared).id:
            self._fetching = None  # ending 4
            self._download.cancel()

    async def _tell(self, prefix, state, error=None):
        values = {prefix + "_state": state}
        if error is not None:
            values[prefix + "_error"] = error
        await self.device.send_telemetry(values)

    def _log(self, prefix, state, text):
        # How an update ended, for a person at the console; the server has heard it.
        self.device.session.log(("update: %s %s: %s" % (prefix, state, text))[:_LONGEST])
