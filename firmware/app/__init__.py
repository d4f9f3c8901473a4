# What this device does for its owner: measures, obeys, tells about itself, updates itself.

import asyncio

import coap
import thingsboard
from board import board
from micropython import const

from . import identity, updates
from .commands import Commands
from .measuring import Measuring

VERSION = "1.0.0"

_RETRY_S = const(10)


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

    def contacts(self):
        """Return how many messages of the server have come since the start."""
        return self.client.endpoint.heard if self.client else 0

    def suspend(self):
        """Keep what waits for the server: the board is about to be restarted."""

    def joined(self):
        """The Wi-Fi was entered: the address may be another one."""
        if self.client:
            try:
                self.client.reconnect()
            except OSError as error:
                self.log("reconnect: %r" % error)

    async def run(self):
        """Work until cancelled."""
        config = self.config
        self.client = client = await coap.connect(
            config["server"], config["port"], window_limit=board.download_window
        )
        access_token = await identity.access_token(client, config, self.log)
        device = thingsboard.Device(client, access_token, self.log)
        measuring = Measuring(device, config["interval"], self.log)
        Commands(device, measuring, config["led"], VERSION)
        asyncio.create_task(self.introduce(device))
        asyncio.create_task(measuring.run())
        updater = updates.updater(device, config["keys"], self.trial, self.log)
        await thingsboard.run(device, updater, 1000 * config["keepalive"])

    async def introduce(self, device):
        """Tell the server, once, what this device is, and count its starts there."""
        while True:
            try:
                known = await device.request_attributes(client_keys=("starts",))
                starts = known.get("client", {}).get("starts", 0) + 1
                about = {"version": VERSION, "platform": board.port, "starts": starts}
                await device.send_attributes(about)
                self.log("start number %d" % starts)
                return
            except (OSError, coap.ResponseError, coap.TransferError) as error:
                self.log("attributes: %s" % error)
                await asyncio.sleep(_RETRY_S)
