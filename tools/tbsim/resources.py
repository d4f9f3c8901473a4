"""What a request means: ThingsBoard's paths and features, and the answers."""

from aiocoap import Code, Message

from .blockwise import Blockwise, answer
from .model import BadRequest, Device, ServerFault, Store
from .observe import Observation, Observations
from .ota import KINDS, Download
from .payloads import PAYLOADS
from .provision import provision
from .switches import Switches

FEATURES = ("telemetry", "attributes", "rpc", "claim", "provision")
NO_ANSWER = None


class Resources:
    """Answers requests from the store; keeps observations going."""

    def __init__(self, layer, store: Store, switches: Switches):
        self.layer = layer
        self.store = store
        self.switches = switches
        self.blockwise = Blockwise(layer.now)
        self.observations = Observations(layer, self.blockwise, switches)
        self.rpc_rules: dict = {}  # method: function(params); the rule node "rpc call reply"
        self.last_uplink: dict = {}  # device name: monotonic time
        self.asleep: dict = {}  # device name: attribute changes held back
        self.paged: set = set()  # names of devices that got a downlink since their last uplink

    def forget(self) -> None:
        """A restart of the server."""
        self.blockwise = Blockwise(self.layer.now)
        self.observations = Observations(self.layer, self.blockwise, self.switches)
        self.last_uplink.clear()
        self.asleep.clear()
        self.paged.clear()
        self.store.forget_rpcs()

    # Requests

    def handle(self, exchange) -> None:
        """Answer a request, at once or when the back end would."""
        if self.switches.backend_delay:
            self.layer.later(self.switches.backend_delay, lambda: self.serve(exchange))
        else:
            self.serve(exchange)

    def serve(self, exchange) -> None:
        request = exchange.request
        path = request.opt.uri_path
        if len(path) == 1 and "/" in path[0]:
            path = tuple(segment for segment in path[0].split("/") if segment)
        if path == ("efento", "t") and request.code is Code.GET:
            seconds = self.store.clock_ms() // 1000
            exchange.respond(answer("2.05", seconds.to_bytes(4, "big")), typed=False)
        elif path[:1] == ("api",):
            self.serve_api(exchange, path)
        elif path and path[0] in KINDS:
            refusal = self.refusal
            Download(self.layer, self.store, self.blockwise, refusal).serve(exchange, path)
        else:
            exchange.respond(answer("4.04"), typed=False)

    def serve_api(self, exchange, path: tuple) -> None:
        request = exchange.request
        if request.code not in (Code.GET, Code.POST) or path == ("api",):
            exchange.respond(answer("4.05"), typed=False)
            return
        feature, access_token, rpc_id = parse_path(path)
        if feature not in FEATURES:
            exchange.respond(answer("4.00"), typed=False)
            return
        key = (exchange.address, request.code.name, (path, request.opt.uri_query))
        body = request.payload
        if request.opt.block1:
            body = self.blockwise.upload(key, request)
            if isinstance(body, Message):
                exchange.respond(body, typed=False)
                return
        block2 = request.opt.block2
        if block2 and block2.block_number and request.opt.observe is None:
            block = self.blockwise.next(key, block2)
            if block:
                exchange.respond(block, typed=False)
                return
        if feature == "provision":
            if request.code is Code.POST:
                self.provision(exchange, body)
            else:
                exchange.respond(answer("4.00"), typed=False)
            return
        device = self.store.by_token(access_token) if access_token else None
        refusal = self.refusal(device)
        if refusal:
            exchange.respond(answer(refusal), typed=False)
            return
        self.awake(device)
        try:
            if request.code is Code.POST:
                result = self.post(exchange, device, feature, rpc_id, body)
            else:
                result = self.get(exchange, device, feature)
        except BadRequest:
            exchange.respond(answer("4.00"), typed=False)
        except ServerFault:
            exchange.respond(answer("5.00"), typed=False)
        else:
            if result is not NO_ANSWER:
                self.finish(exchange, key, result)

    def finish(self, exchange, key, response: Message) -> None:
        # A typed answer, cut to blocks where it must be.
        request = exchange.request
        block1, block2 = request.opt.block1, request.opt.block2
        if block2 and block2.block_number:
            # Nothing kept: block NUM of the new answer.
            response = self.blockwise.cut(response, response.payload, block2)
        else:
            response = self.blockwise.first(key, response, block2)
        if block1:
            response.opt.block1 = block1
        exchange.respond(response)

    def refusal(self, device: Device | None) -> str | None:
        if device is None:
            return "4.01"
        if device.profile.transport == "EFENTO":
            return "4.00"
        if device.profile.transport not in ("DEFAULT", "COAP"):
            return "5.00"
        if self.switches.rate_limited:
            self.switches.rate_limited -= 1
            return "5.00"
        return None

    def post(self, exchange, device, feature, rpc_id, body: bytes):
        payloads = PAYLOADS[device.profile.payload]
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
            return self.client_rpc(exchange, device, body)
        return answer("2.01")

    def get(self, exchange, device, feature):
        request = exchange.request
        observe = request.opt.observe
        if feature == "telemetry":
            raise BadRequest("telemetry cannot be read")
        if observe == 1:
            self.observations.cancel(exchange.address, request.token)
            return NO_ANSWER
        if observe is not None:
            self.subscribe(exchange, device, "rpc" if feature == "rpc" else "attributes")
            return NO_ANSWER
        if feature != "attributes":
            raise BadRequest("not to be read")
        if self.switches.silent_core:
            return NO_ANSWER
        client, shared = parse_query(request.opt.uri_query)
        found = device.read_attributes(client, shared)
        payloads = PAYLOADS[device.profile.payload]
        content_format = payloads.content_format(request.opt.content_format)
        if not found:
            return answer("4.04", content_format=content_format)
        return answer("2.05", payloads.found(found), content_format=content_format)

    def provision(self, exchange, body: bytes) -> None:
        success, payload = provision(self.store, body)
        response = answer("2.01" if success else "4.00", payload, content_format=0)
        exchange.respond(response, typed=False)

    def client_rpc(self, exchange, device, body: bytes):
        payloads = PAYLOADS[device.profile.payload]
        method, params = payloads.call(body)
        device.calls.append((method, params))
        rule = self.rpc_rules.get(method)
        if rule is None:
            return (
                NO_ANSWER  # the default rule chain only logs; COAP_TIMEOUT ends it without a word
            )
        content_format = payloads.content_format(exchange.request.opt.content_format)
        return answer("2.05", payloads.answer(rule(params)), content_format=content_format)

    # Downlink

    def subscribe(self, exchange, device, feature: str) -> None:
        observation = self.observations.register(exchange, device, feature)
        if not observation:
            return
        payloads = PAYLOADS[device.profile.payload]
        if feature == "attributes":
            state = payloads.change(device.shared_attributes, [])
            content_format = payloads.content_format(observation.content_format)
            first = answer("2.05", state, observe=0, content_format=content_format)
            key = (observation.address, "GET", observation.uri)
            first = self.blockwise.first(key, first, observation.block2)
            exchange.respond(first, typed=False)
        else:
            exchange.respond(answer("2.03", observe=0))
        observation.answered = True
        if feature == "rpc":
            self.push_pending(device)

    def attributes_changed(self, device, updated: dict, deleted: list) -> None:
        """The store's watcher: tell the device, or keep it for its next sign of life."""
        observation = self.observations.get(device, "attributes")
        if not observation:
            return
        if self.sleeps(device):
            held, _ = self.asleep.setdefault(device.name, ({}, []))
            held.update(updated)
            if deleted:
                self.asleep[device.name] = held, deleted
            return
        self.notify_attributes(observation, updated, deleted)

    def notify_attributes(self, observation: Observation, updated: dict, deleted: list) -> None:
        payloads = PAYLOADS[observation.device.profile.payload]
        content_format = payloads.content_format(observation.content_format)
        payload = payloads.change(updated, deleted)
        self.paged.add(observation.device.name)
        message = answer("2.05", payload, content_format=content_format)
        self.observations.notify(observation, message)

    def push_pending(self, device) -> None:
        for rpc in list(device.rpcs.values()):
            if not rpc.done and rpc.status in ("QUEUED", "TIMEOUT"):
                self.push_rpc(device, rpc)

    def push_rpc(self, device, rpc) -> bool:
        """Send a command; False if nobody listens."""
        observation = self.observations.get(device, "rpc")
        if not observation:
            return False
        if self.sleeps(device):
            return True
        payloads = PAYLOADS[device.profile.payload]
        try:
            command = payloads.command(rpc)
        except ServerFault:
            self.observations.drop(observation)  # silently, as the server does
            rpc.finish("FAILED")
            return True
        self.paged.add(device.name)
        content_format = payloads.content_format(observation.content_format)
        message = answer("2.05", command, content_format=content_format)
        if rpc.persistent:
            rpc.becomes("SENT")

        def acked():
            if rpc.persistent:
                rpc.becomes("DELIVERED")
                if not rpc.two_way:
                    rpc.finish("SUCCESSFUL")

        def late():
            if rpc.persistent and rpc.status == "SENT":
                rpc.becomes("TIMEOUT")

        if rpc.persistent and observation.confirmable:
            self.layer.later(self.layer.timing.rpc_ack, late)
        self.observations.notify(observation, message, acked)
        if not rpc.two_way and not rpc.persistent:
            rpc.finish("DELIVERED")
        return True

    def awake(self, device) -> None:
        """A request came: what was held back goes out, ahead of the answer."""
        slept = self.sleeps(device)
        self.last_uplink[device.name] = self.layer.now()
        self.paged.discard(device.name)
        if not slept:
            return
        held = self.asleep.pop(device.name, None)
        observation = self.observations.get(device, "attributes")
        if held and observation:
            self.notify_attributes(observation, *held)
        self.push_pending(device)

    def sleeps(self, device) -> bool:
        """Whether a downlink has to wait: outside the window; for E_DRX but for the first."""
        mode = device.profile.power_mode
        if mode not in ("PSM", "E_DRX"):
            return False
        last = self.last_uplink.get(device.name, self.layer.now())
        if (self.layer.now() - last) * 1000 <= device.profile.activity_ms:
            return False
        return mode == "PSM" or device.name in self.paged


def parse_path(path: tuple) -> tuple[str, str | None, int | None]:
    """Return (feature, access token, RPC id) of a path below /api."""
    n = len(path)
    if n < 3:
        return "", None, None
    if "provision" in (path[2:3] if n > 3 else path) or n > 3 and path[3] == "provision":
        return "provision", None, None
    if n == 3 or n == 4 and path[3].isdigit():
        feature, access_token = path[2], None if n == 3 else path[2]
    else:
        feature, access_token = path[3], path[2]
    last = path[4] if n >= 5 else path[3] if n == 4 else ""
    rpc_id = int(last) if last.lstrip("-").isdigit() and abs(int(last)) < 1 << 31 else None
    return feature.lower(), access_token, rpc_id


def parse_query(query: tuple) -> tuple[list | None, list | None]:
    """Return (client keys, shared keys), None where a list was not asked for."""
    keys = {}
    for item in query:
        parts = item.split("=")
        if len(parts) == 2 and parts[1]:
            keys[parts[0]] = parts[1].split(",")
    return keys.get("clientKeys"), keys.get("sharedKeys")
