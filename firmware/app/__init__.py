# What this device does for its owner: measures, obeys, tells about itself, updates itself.

import asyncio
import gc
import os

import coap
import thingsboard
from board import board
from micropython import const
from thingsboard.clock import Clock

from .commands import Commands
from .measuring import Measuring

VERSION = "0.1.0"

_LOOK_S = const(60)  # between looks whether there is news about this device
_CREDENTIALS = const("credentials.json")  # as in settings.py
_NO_LOW_POWER = const("settings.json: report_every: low power is not in this application")
_WAITING = const("outbox.records")  # what waited for the server when the board was restarted


class Application:
    """The device at work. config: the settings; log(text) takes lines for a person; trial: the
    started Trial; restarts: why the board was restarted.
    """

    def __init__(self, config, log, trial, restarts):
        self.config = config
        self.log = log
        self.trial = trial
        self.restarts = restarts
        self.client = None  # until run() has made it
        self.device = None  # until it knows who it is
        self.outbox = self.journal = None  # begin() makes them; the journal may be the outbox
        self.working = self.updater = None
        self.introduced = False
        self.sleeper = None  # at a start that ends a sleep
        self.in_network = asyncio.Event()  # set once the Wi-Fi was entered, or there is none
        if board.wifi_interface is None:
            self.in_network.set()

    def joined(self):
        """The Wi-Fi was entered: the address may be another one."""
        self.in_network.set()
        if self.client:
            self.client.reconnect()

    def contacts(self):
        """Return how many messages of the server have come since the start."""
        return self.client.endpoint.heard if self.client else 0

    def suspend(self):
        """Keep what waits for the server, and end: the board is about to be restarted."""
        if self.device and len(self.device.outbox):
            if self.client:
                self.client.close()  # what is under way may have taken all the memory
            gc.collect()
            if self.journal:
                self.journal.finish()
                return
            try:
                with open(_WAITING, "wb") as f:
                    self.device.outbox.save(f)
            except (OSError, MemoryError):  # the flash is full: half of it is of no use
                _remove(_WAITING)

    def restart(self, reason):
        """Restart the board as planned: what waits for the server is kept."""
        self.suspend()
        self.restarts.restart(reason)

    def begin(self):
        """Do what wants no network. At a start that ends a sleep that may be all."""
        config = self.config
        self.payload = _codec(config["payload"])
        self.clock = Clock()
        kept = self.restarts.kept
        woken = kept is not None and not self.trial.unconfirmed()
        self._low_power = self._module_of_start(woken) if config["report_every"] else None
        if woken and self._low_power:  # what only an update needs is not loaded
            self.sleeper = sleeper = self._low_power.Sleeper(self, kept)
            self.journal = self.outbox = self._journal(sleeper.resume(self.clock))
            sleeper.measure(self._measuring(None, None))
            return
        from . import updates

        self._updates = updates
        self.journal = None  # what waits for the server is in RAM
        if config["journal"] and (board.journal or not config["report_every"]):
            self.journal = self._journal(None)
        self.outbox = self.journal

    def _module_of_start(self, woken):
        # What a device that sleeps does at this start, whether it ends a sleep or not.
        try:
            if woken:
                from . import sleeping

                return sleeping
            from . import awake

            return awake
        except ImportError:  # most do without it, and flash is scarce
            if self.trial.unconfirmed():
                raise ValueError(_NO_LOW_POWER)  # the release before may have it
            self.log(_NO_LOW_POWER + "; it stays awake")

    async def run(self):
        """Work until cancelled, after begin()."""
        if self.sleeper:
            await self.sleeper.report()
        self.working = asyncio.create_task(self.work())
        if self._low_power:
            await self._low_power.sleep_when_done(self)
        await self.working

    async def work(self):
        """Measure, obey, update, until cancelled."""
        config = self.config
        measuring = await self.connect()
        device = self.device
        updates = config["keys"], self.trial, self.log, self.restart
        self.updater = updater = self._updates.updater(device, *updates)
        keepalive_ms = 1000 * config["keepalive"]
        jobs = [("measuring", measuring.run), ("introduction", self.stay_known)]
        if self.was_provisioned() and config["refused"]:
            jobs.append(("renewal", self.renew_when_refused))
        supervised = [device.session.supervise(name, job) for name, job in jobs]
        await asyncio.gather(thingsboard.run(device, updater, keepalive_ms), *supervised)

    async def connect(self):
        """Find out who this device is, by the server if need be; return its Measuring."""
        config = self.config
        security = await self._secure() if config["trusted"] else None
        self.client = client = await coap.connect(
            config["server"],
            config["port"],
            window_limit=board.download_window,
            security=security,
        )
        access_token = config["access_token"]
        if self.was_provisioned():
            access_token = await self._identify()
        measuring = self._measuring(client, access_token)
        self.device = device = measuring.device
        client.on_error = lambda error: device.session.report("client", error)
        self._recall_waiting()
        Commands(device, measuring, config["led"], VERSION, self.restarts.reason, self.restart)
        return measuring

    def was_provisioned(self):
        """Return whether the credentials are the server's, so that it can give others."""
        return self.config["provision_key"] and not self.config["access_token"]

    async def _secure(self):
        # What needs memory comes first, while there is much in one piece.
        import sys

        from . import secure

        try:
            security = await secure.security(self.config, self.log)
            await secure.set_clock(self.config, self.log, self.clock.now_ms())
            return security
        finally:
            del sys.modules["app.secure"]

    async def _identify(self):
        # Only a device that provisions itself needs the module, and then only now.
        import sys

        from . import identity

        if self.config["credentials"].get("provisioned") is not True:
            await self.in_network.wait()  # a try before that fails, and the next comes late
        try:
            return await identity.provisioned(self.client, self.config, self.log)
        finally:
            del sys.modules["app.identity"]

    async def introduce(self):
        """Tell the server what this device is; count its starts."""
        device = self.device
        known = await device.request_attributes(client_keys=("starts",))
        starts = known.get("client", {}).get("starts")
        starts = starts + 1 if type(starts) is int else 1  # others can write it, too
        about = {"version": VERSION, "platform": board.port, "starts": starts}
        about["restart"] = self.restarts.reason
        about["restarts"] = self.restarts.count
        about["report_every"] = self.config["report_every"] if self._low_power else 0
        await device.send_attributes(about)
        self.log("start number %d" % starts)
        self.introduced = True

    async def stay_known(self):
        """Tell the server what this device is, and later what went wrong."""
        await self.introduce()
        told = -1
        while True:
            session = self.device.session
            if session.faults != told:
                told = session.faults
                await self.tell_faults()
            await asyncio.sleep(_LOOK_S)

    async def tell_faults(self):
        """Tell the server what went wrong at this start."""
        session = self.device.session
        values = {"faults": session.faults, "last_fault": session.last_fault}
        await self.device.send_attributes(values)

    async def renew_when_refused(self):
        """Restart to be provisioned anew once the server has refused the token for long.

        The device was deleted there. Only a device that was provisioned can be again.
        """
        left_s = limit_s = self.config["refused"]
        look_s = min(_LOOK_S, limit_s)
        while left_s > 0:
            await asyncio.sleep(look_s)
            # A problem stays until something goes well.
            refused = "4.01" in (self.device.problem or "")
            left_s = left_s - look_s if refused else limit_s
        self.renew()

    def renew(self):
        """Restart to be provisioned anew."""
        _remove(_CREDENTIALS)
        self.restart("the access token was refused")

    def _measuring(self, client, access_token):
        # Of a device that may be nobody yet; the outbox goes along from one to the next.
        device = thingsboard.Device(
            client, access_token, self.log, self.clock, self.outbox, self.payload
        )
        return Measuring(device, self.config["interval"], self.log)

    def _journal(self, born):
        from thingsboard.journal import Journal

        config = self.config
        return Journal(
            self.clock,
            codec=self.payload,
            max_bytes=1024 * config["journal"],
            every=config["journal_records"],
            delay_ms=1000 * config["journal_seconds"],
            born=born,
        )

    def _recall_waiting(self):
        try:
            with open(_WAITING, "rb") as f:
                self.device.outbox.load(f)
        except OSError:
            return  # there is none
        if self.journal:  # the outbox was in RAM until now
            self.journal.write()
        _remove(_WAITING)


def _codec(name):
    # The codec of the device profile. Protobuf takes memory, so only who needs it has it.
    if name == "protobuf":
        try:
            from thingsboard.payload_protobuf import Protobuf

            from . import schemas
        except ImportError:  # most do without it, and flash is scarce
            raise ValueError("settings.json: payload: protobuf is not in this application")
        return Protobuf(schemas.Telemetry, schemas.Attributes)
    from thingsboard import payload_json

    return payload_json


def _remove(name):
    try:
        os.remove(name)
    except OSError:
        pass  # there is none
