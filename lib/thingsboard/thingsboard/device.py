# The device API of ThingsBoard over CoAP: telemetry, attributes, RPC both ways, claiming.
#
# The verbs await the server's answer and raise what coap.Client.request() raises. What comes by
# itself, attributes and commands, is fed by session.run().

from coap import ResponseError
from micropython import const

from . import payload_json
from .attributes import SharedAttributes
from .clock import Clock
from .outbox import Outbox
from .rpc import Commands
from .session import Session

_GET = const(1)
_POST = const(2)
_NOT_FOUND = const(0x84)
_RPC_TIMEOUT_MS = const(12_000)  # the server gives up after 10 s, without a word
_WAIT_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)


class Device:
    """One device of a ThingsBoard server.

    client is a coap.Client. access_token None: the DTLS session says who we are (X.509). log(text)
    is told what goes wrong and never sees the token. payload is the codec of the device's profile
    (payload_json.py).
    """

    def __init__(
        self,
        client,
        access_token=None,
        log=None,
        clock=None,
        outbox=None,
        payload=payload_json,
    ):
        self.client = client
        self.access_token = access_token
        # Where the features are, as segments.
        self.path = ("api", "v1", access_token) if access_token else ("api", "v1")
        self.payload = payload
        self.clock = clock or Clock()
        self.session = Session(client, self.clock, log)
        # An empty outbox is false.
        self.outbox = Outbox(self.clock, payload) if outbox is None else outbox
        report = self.session.report
        self.attributes = SharedAttributes(payload, report)
        self.commands = Commands(payload, self.clock, self._reply, report)

    @property
    def shared(self):
        """The shared attributes as last heard, a dict."""
        return self.attributes.values

    @property
    def problem(self):
        """What keeps the device from its server, as text; None while all is well."""
        return self.session.problem

    def on_attributes(self, callback):
        """Call callback(changed, deleted), a dict and a list of names, for shared attributes."""
        self.attributes.listeners.append(callback)

    def on_rpc(self, method, handler):
        """Answer commands named method by handler(params), sync or async.

        It returns the reply, a dict (None: {}); or (reply, action): action() runs when the server
        has the reply.
        """
        self.commands.handlers[method] = handler

    def record(self, values, ts=None):
        """Queue telemetry, a dict, with its time (ts: Unix milliseconds), for the session to send.

        Raises ValueError for what the payload's format cannot say.
        """
        self.outbox.add(self.payload.record(values), ts)
        self.session.stock.set()

    def send_telemetry(self, values, ts=None):
        """Return a coroutine that sends a dict, with ts (Unix milliseconds) or the server's time.

        Or a list of dicts; each may be {"ts": .., "values": {..}}. Raises ValueError for what the
        payload's format cannot say, and for an empty list, to which the server would never answer.
        """
        if ts is not None:
            if not isinstance(values, dict):
                raise ValueError("a dict is wanted, with ts")
            values = {"ts": ts, "values": values}
        return self._post("telemetry", values)

    def send_attributes(self, values):
        """Return a coroutine that publishes client attributes, a dict; ValueError as above."""
        return self._post("attributes", values)

    async def request_attributes(self, client_keys=(), shared_keys=()):
        """Return {"client": {..}, "shared": {..}} of the named attributes; all if none is named.

        What the server does not have is left out; {} if it has none at all.
        """
        query = []
        for name, keys in (("clientKeys=", client_keys), ("sharedKeys=", shared_keys)):
            if keys:
                text = ",".join(keys)
                if "=" in text or text.count(",") >= len(keys):
                    raise ValueError("attribute names: " + text)
                query.append(name + text)
        try:
            request = self.client.request(_GET, self.path + ("attributes",), query=query)
            response = await self.session.watch(request)
        except ResponseError as error:
            if error.code != _NOT_FOUND:
                raise
            return {}
        return self.payload.decode("attributes", response.payload)

    async def call(self, method, params=None, timeout_ms=_RPC_TIMEOUT_MS):
        """Call a method on the server (client-side RPC) and return its answer.

        ETIMEDOUT if the server's rule chain has no answer to it: by default it has none.
        """
        values = {"method": method, "params": params}
        response = await self._post("rpc", values, "call", timeout_ms)
        return self.payload.decode("answer", response.payload)

    def claim(self, secret="", duration_ms=0):
        """Return a coroutine that lets a user claim this device by the secret.

        It holds for duration_ms (0: a day). The server's 2.01 does not say whether claiming is
        allowed.
        """
        return self._post("claim", {"secretKey": secret, "durationMs": duration_ms})

    def _post(self, feature, values, kind=None, timeout_ms=_WAIT_MS):
        payload = self.payload.encode(kind or feature, values)
        path = self.path + (feature,)
        return self.session.watch(self.client.request(_POST, path, payload, timeout_ms=timeout_ms))

    def _reply(self, id, payload):
        path = self.path + ("rpc", str(id))
        return self.session.watch(self.client.request(_POST, path, payload))
