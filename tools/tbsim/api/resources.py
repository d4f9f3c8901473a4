"""Where a request goes: the server's time, the device API below /api, packages at /fw and /sw.

A request to /api passes, in this order: its path, the blocks of its body, blocks of an answer that
was given before, its access token, its feature.
"""

from typing import NamedTuple

from aiocoap import Code, Message

from ..model.devices import Device
from ..model.errors import ModelError
from ..model.packages import KINDS
from ..model.provisioning import provision
from ..model.store import Store
from ..switches import Switches
from ..wire.blockwise import Blockwise
from ..wire.codec import answer
from ..wire.exchange import Exchange
from ..wire.messages import MessageLayer
from .about import TEXT, TEXTS
from .access import code_of, refusal
from .backend import Backend
from .downlink import Downlink
from .features import NO_ANSWER, Features
from .ota import Downloads

FEATURES = ("telemetry", "attributes", "rpc", "claim", "provision")


class Target(NamedTuple):
    """What a path below /api means."""

    feature: str
    access_token: str | None = None
    rpc_id: int | None = None


class Resources:
    """Answers requests from the store."""

    def __init__(self, layer: MessageLayer, store: Store, switches: Switches):
        self.layer = layer
        self.store = store
        self.switches = switches
        self.blockwise = Blockwise(layer.now)
        self.backend = Backend(layer)
        self.downlink = Downlink(layer, store, self.blockwise, self.backend)
        self.features = Features(store, self.downlink, switches)
        self.downloads = Downloads(store, self.blockwise, self.backend, switches, layer.now)

    def restart(self) -> None:
        """Forget what a restarted server forgets, and start."""
        self.backend.restart()
        self.blockwise.forget()
        self.downlink.forget()

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, at once or when the back end would."""
        if self.switches.backend_delay:
            self.layer.later(self.switches.backend_delay, lambda: self._serve(exchange))
        else:
            self._serve(exchange)

    def _serve(self, exchange: Exchange) -> None:
        path, code = exchange.path, exchange.request.code
        if path == ("efento", "t"):
            self._serve_time(exchange)
        elif path in TEXTS and code is Code.GET:
            text, content_format = TEXTS[path]
            exchange.respond(answer("2.05", text, content_format=content_format), typed=False)
        elif path[:1] == ("api",):
            self._serve_api(exchange)
        elif path and path[0] in KINDS:
            self.downloads.serve(exchange)
        else:
            exchange.refuse("4.04")

    def _serve_time(self, exchange: Exchange) -> None:
        if exchange.request.code is not Code.GET:
            exchange.refuse("4.00")
            return
        seconds = self.store.clock_ms() // 1000
        exchange.respond(answer("2.05", seconds.to_bytes(4, "big")), typed=False)

    def _serve_api(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.code not in (Code.GET, Code.POST) or exchange.path == ("api",):
            exchange.refuse("4.05")
            return
        target = parse_path(exchange.path)
        if target.feature not in FEATURES:
            exchange.refuse("4.00")
            return
        if request.code is Code.POST and target.feature in self.switches.mute:
            exchange.forget()
            return
        body = request.payload
        if request.opt.block1:
            body = self.blockwise.upload(exchange)
            if isinstance(body, Message):
                exchange.respond(body, typed=False)
                return
        block = self.blockwise.kept_block(exchange) if request.opt.observe is None else None
        if block:
            exchange.respond(block, typed=False)
        elif self.features.refused_unseen(exchange, target.feature):
            exchange.refuse("4.00")
        elif target.feature == "provision":
            self.backend.answer(1, lambda: self._provision(exchange, body))
        elif target.access_token is None and not self.known(exchange.address):
            exchange.refuse("4.01")
        else:
            if request.opt.observe == 0:
                self.downlink.arrived(exchange)
            polls = self.features.polls(exchange)
            self.backend.answer(polls, lambda: self._serve_device(exchange, target, body))

    def known(self, address: tuple) -> Device | None:
        """Return whose certificate the client showed; a token in the path does not matter then."""
        secure = self.layer.secure
        return self.store.by_certificate(secure.identity(address)) if secure else None

    def _provision(self, exchange: Exchange, body: bytes) -> None:
        result = provision(self.store, body)
        response = answer("2.01" if result.success else "4.00", result.body)
        if result.body and not result.protobuf:
            response.opt.content_format = TEXT
        exchange.respond(response, typed=False)

    def _serve_device(self, exchange: Exchange, target: Target, body: bytes) -> None:
        device = self.known(exchange.address) or self.store.by_access_token(target.access_token)
        refused = refusal(device, self.switches)
        if refused:
            if refused == "5.00" and exchange.request.opt.observe == 0:
                self.downlink.observations.refuse(exchange)
            exchange.refuse(refused)
            return
        self.downlink.heard(device)
        try:
            response = self.features.serve(exchange, device, target.feature, target.rpc_id, body)
        except ModelError as error:
            exchange.refuse(code_of(error))
            return
        if response is not NO_ANSWER:
            exchange.respond(self.blockwise.cut(exchange, response))


def parse_path(path: tuple[str, ...]) -> Target:
    """Return what a path below /api means; a feature of "": nothing."""
    n = len(path)
    if n < 3:
        return Target("")
    if "provision" in (path[2:3] if n > 3 else path) or n > 3 and path[3] == "provision":
        return Target("provision")
    if n == 3 or n == 4 and path[3].isdigit():
        feature, access_token = path[2], None if n == 3 else path[2]
    else:
        feature, access_token = path[3], path[2]
    last = path[4] if n >= 5 else path[3] if n == 4 else ""
    rpc_id = int(last) if last.lstrip("-").isdigit() and abs(int(last)) < 1 << 31 else None
    return Target(feature.lower(), access_token, rpc_id)
