"""The features of a device: telemetry, attributes, rpc, claim."""

from aiocoap import Code, Message

from ..model.devices import Device
from ..model.store import Store
from ..switches import Switches
from ..wire.codec import answer
from ..wire.exchange import Exchange
from .downlink import Downlink
from .formats import in_format_of

NO_ANSWER = None


class Features:
    """Requests of a known device. Each gets a response, or NO_ANSWER: none, or it was sent."""

    def __init__(self, store: Store, downlink: Downlink, switches: Switches):
        self.store = store
        self.downlink = downlink
        self.switches = switches

    def refused_unseen(self, exchange: Exchange, feature: str) -> bool:
        """Whether a request is a 4.00 whosever it is: it reads what cannot be read."""
        if exchange.request.code is Code.POST:
            return False
        reads = feature == "attributes" or exchange.request.opt.observe is not None
        return feature == "telemetry" or not reads

    def polls(self, exchange: Exchange) -> int:
        """Return how many polls a request takes: one for the access token, one for a reading."""
        code, observe = exchange.request.code, exchange.request.opt.observe
        return 2 if code is Code.GET and observe not in (0, 1) else 1

    def serve(
        self, exchange: Exchange, device: Device, feature: str, rpc_id: int | None, body: bytes
    ) -> Message | None:
        """Return the response; raises ModelError for what is refused. body: of all blocks."""
        if exchange.request.code is Code.POST:
            return self._post(exchange, device, feature, rpc_id, body)
        observe = exchange.request.opt.observe
        if observe == 0:
            self.downlink.subscribe(exchange, device, "rpc" if feature == "rpc" else "attributes")
        elif observe == 1:
            self.downlink.unsubscribe(exchange)
        elif observe is not None:
            return self._answer_without_relation(exchange, device, feature)
        elif not self.switches.silent_core:
            return self._read_attributes(exchange, device)
        return NO_ANSWER

    def _answer_without_relation(
        self, exchange: Exchange, device: Device, feature: str
    ) -> Message | None:
        # To Californium an Observe above 1 is none; the resource takes it for a registration.
        if feature == "rpc":
            return answer("2.03")
        exchange.respond(self.downlink.state(device, exchange.request.opt.content_format), False)
        return NO_ANSWER

    def _post(
        self, exchange: Exchange, device: Device, feature: str, rpc_id: int | None, body: bytes
    ) -> Message | None:
        payloads = device.profile.payloads
        if feature == "telemetry":
            points = payloads.telemetry(body, self.store.clock_ms())
            if not points:
                return NO_ANSWER
            device.save_telemetry(points)
        elif feature == "attributes":
            device.client_attributes.update(payloads.attributes(body))
        elif feature == "claim":
            device.claim(*payloads.claim(body))
        elif rpc_id is not None:
            device.reply(rpc_id, payloads.reply(body))
        else:
            return self._call(exchange, device, body)
        return answer("2.01")

    def _call(self, exchange: Exchange, device: Device, body: bytes) -> Message | None:
        payloads = device.profile.payloads
        method, params = payloads.call(body)
        device.calls.append((method, params))
        rule = self.store.rpc_rules.get(method)
        if rule is None:
            # The default rule chain only logs; COAP_TIMEOUT ends it without a word.
            return NO_ANSWER
        payload = payloads.answer(rule(params))
        return in_format_of(device, payload, exchange.request.opt.content_format)

    def _read_attributes(self, exchange: Exchange, device: Device) -> Message:
        client_keys, shared_keys = parse_keys(exchange.request.opt.uri_query)
        found = device.read_attributes(client_keys, shared_keys)
        asked = exchange.request.opt.content_format
        if not found:
            return in_format_of(device, b"", asked, code="4.04")
        several = len(client_keys or ()) + len(shared_keys or ()) > 1
        payload = device.profile.payloads.found(found, several, self.store.clock_ms())
        return in_format_of(device, payload, asked)


def parse_keys(query: tuple[str, ...]) -> tuple[list | None, list | None]:
    """Return (client keys, shared keys), None where a list was not asked for."""
    keys = {}
    for item in query:
        parts = item.split("=")
        if len(parts) == 2 and parts[1]:
            keys[parts[0]] = parts[1].split(",")
    return keys.get("clientKeys"), keys.get("sharedKeys")
