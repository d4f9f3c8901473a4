# Updates: watches fw_* and sw_*, downloads chunks into a slot, reports states (ThingsBoard: OTA).
#
# What was refused is not tried again until the assignment changes; what failed on trial the slot
# refuses. Silence, a busy server and a new assignment cost time: the slot keeps what it has.

import asyncio

from abupdate.image import Image
from abupdate.verify import Refused
from coap import NON
from micropython import const

from .checksum import Checksum

_CHUNK = const(1024)  # bytes: one datagram
_SERVER_ERROR = const(0xA0)  # 5.00 may be a rate limit
_MAX_DELAY_MS = const(60_000)


class Updater:
    """Keeps a device's packages up to date; hand it to session.run().

    slots: {"fw": slot}, {"sw": slot} or both. keys: public keys (abupdate.verify). reset() starts
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
        self._refused = {}  # by prefix: the assignment that needs no more work
        self._inbox = []  # (number of a chunk, Message or exception)
        self._event = asyncio.Event()
        device.on_attributes(lambda changed, gone: self._event.set())

    async def run(self):
        """Work until cancelled."""
        device = self.device
        unheard = list(self.slots.items())
        delay_ms = 1000
        while True:
            try:
                while unheard:
                    prefix, slot = unheard[-1]
                    title, version = slot.current() or ("", "")
                    key = "current_" + prefix
                    values = {key + "_title": title, key + "_version": version}
                    if slot.on_trial():
                        values[prefix + "_state"] = "UPDATED"  # told first: confirmed, it is past
                    await device.send_telemetry(values)
                    slot.confirm()
                    unheard.pop()
                self._event.clear()
                for prefix in ("fw", "sw"):
                    await self._settle(prefix)
                delay_ms = 1000
                await self._event.wait()
            except Exception as error:
                device.report("update", error)
                await asyncio.sleep_ms(delay_ms)
                delay_ms = min(2 * delay_ms, _MAX_DELAY_MS)

    def _assigned(self, prefix):
        get = self.device.shared.get
        return [get(prefix + key) for key in ("_title", "_version", "_checksum", "_size", "_url")]

    async def _settle(self, prefix):
        device = self.device
        assigned = self._assigned(prefix)
        title, version, checksum, size, url = assigned
        slot = self.slots.get(prefix)
        if assigned == self._refused.get(prefix):
            return
        self._refused[prefix] = None
        if not (title and version and (size or url)):
            return  # more may come
        tell = device.send_telemetry
        state = prefix + "_state"
        try:
            if not slot:
                raise Refused("this board takes no " + prefix)
            if slot.current() == (title, version):
                return
            kinds = type(title), type(version), type(url or ""), type(size or 0)
            if kinds != (str, str, str, int):
                raise Refused("the assignment is malformed")
            image = Image(self.keys, slot, title, version, size)
            await tell({state: "DOWNLOADING"})
            await self._download(prefix, assigned, image)
            await tell({state: "DOWNLOADED"})
            algorithm = device.shared.get(prefix + "_checksum_algorithm")
            check = Checksum(algorithm)
            slot.finish(check.update)
            if not check.matches(checksum):
                raise Refused("the checksum does not match")
            if checksum and not check.known and device.log:
                device.log("%s is not checked: the signature decides" % (algorithm,))
            await tell({state: "VERIFIED"})
            slot.activate()
            try:
                await tell({state: "UPDATING"})
            finally:
                self.reset()
        except Refused as error:
            await tell({state: "FAILED", prefix + "_error": str(error)})
            self._refused[prefix] = assigned
        finally:
            if slot:
                slot.abort()

    async def _download(self, prefix, assigned, image):
        url = assigned[4]
        try:
            if url:
                from .url import download

                await download(self.connect, url, image, self.progress)
            elif len(self.device.path) < 3:
                raise Refused("CoAP gives no packages to a device with X.509")
            else:
                await self._fetch_chunks(prefix, assigned, image)
        except Exception as error:
            if 0x80 <= getattr(error, "code", 0) < _SERVER_ERROR:
                raise Refused("the server answered %s" % error)
            raise

    async def _fetch_chunks(self, prefix, assigned, image):
        window = self.device.client.endpoint.window_limit
        size = assigned[3]
        tasks = {}  # number of a chunk that was asked for: its task
        ahead = {}  # number: chunk that came before its turn
        ask = 0
        self._inbox = []
        try:
            while image.offset < size:
                while (
                    len(tasks) + len(ahead) < window
                    and ask * _CHUNK < size
                    and (image.offset or not ask)  # the first one may tell where to go on
                ):
                    tasks[ask] = asyncio.create_task(self._fetch(prefix, assigned, ask))
                    ask += 1
                while not self._inbox:
                    self._event.clear()
                    await self._event.wait()
                    if self._assigned(prefix) != assigned:
                        raise OSError("another package was assigned")
                chunk, outcome = self._inbox.pop(0)
                del tasks[chunk]
                if isinstance(outcome, Exception):
                    raise outcome
                ahead[chunk] = outcome.payload
                chunk = image.offset // _CHUNK
                while chunk in ahead and not (self.pause and tasks):
                    data = ahead.pop(chunk)
                    if len(data) != min(_CHUNK, size - chunk * _CHUNK):
                        raise Refused("a chunk has a wrong length")
                    image.feed(chunk * _CHUNK, data)
                    self.progress(image.offset, size)
                    chunk = image.offset // _CHUNK
                    ask = max(ask, chunk)  # the slot may have what comes next
            if not image.size:
                raise Refused("this is no update package")  # it ended within its header
        finally:
            for task in tasks.values():
                task.cancel()

    async def _fetch(self, prefix, assigned, chunk):
        fields = zip(
            ("title=%s", "version=%s", "size=%d", "chunk=%d"), assigned[:2] + [_CHUNK, chunk]
        )
        query = [name % value for name, value in fields]
        path = prefix, self.device.path[2]
        try:
            outcome = await self.device.client.get(path, query=query, type=NON, bulk=True)
        except Exception as error:
            outcome = error
        self._inbox.append((chunk, outcome))
        self._event.set()
