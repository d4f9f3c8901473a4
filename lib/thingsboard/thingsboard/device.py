# The device API of ThingsBoard over CoAP: telemetry, attributes, RPC both ways, claiming.
#
# The verbs await the server's answer and raise what coap.Client.request() raises. What comes by
# itself, attributes and commands, is fed by session.run().

import json
from binascii import crc32

from coap import ResponseError, TransferError
from micropython import const

from .clock import Clock
from .outbox import Outbox

_NOT_FOUND = const(0x84)
_RPC_TIMEOUT_MS = const(12_000)  # the server gives up after 10 s, without a word
_REPEAT_MS = const(247_000)  # EXCHANGE_LIFETIME: the same command again within it is a repetition
_REPLIES = const(8)  # kept for repetitions; no more commands than that run at a time


class Device:
    """One device of a ThingsBoard server.

    client is a coap.Client. access_token None: the DTLS session says who we are (X.509). log(text)
    is told what goes wrong and never sees the token.
    """

    def __init__(self, client, access_token=None, log=None, clock=None, outbox=None):
        self.client = client
        self.clock = clock or Clock()
        self.outbox = outbox or Outbox(self.clock)
        self.log = log
        self.shared = {}  # the shared attributes as last heard
        self.observations = {}  # by feature, session.py's
        self.problem = (
            None  # what keeps the device from its server, as text; None while all is well
        )
        self.recovered = (
            False  # an answer came after silence: observations may be lost (session.py)
        )
        self.silences = 0  # requests without an answer since the last one that had one
        # Where the features are, as segments.
        self.path = ("api", "v1", access_token) if access_token else ("api", "v1")
        self._listeners = []
        self._handlers = {}
        self._replies = []  # [CRC32 of the command, uptime, reply or None while it runs]

    def on_attributes(self, callback):
        """Call callback(changed, deleted), a dict and a list of names, for shared attributes."""
        self._listeners.append(callback)

    def on_rpc(self, method, handler):
        """Answer commands named method by handler(params), sync or async.

        It returns the reply, a dict (None: {}); or (reply, action): action() runs when the server
        has the reply.
        """
        self._handlers[method] = handler

    def record(self, values, ts=None):
        """Queue telemetry, a dict, with its time (ts: Unix milliseconds), for the session to send.

        Raises ValueError for what is not JSON.
        """
        self.outbox.add(encode(values), ts)

    def send_telemetry(self, values, ts=None):
        """Await it: send a dict, with ts (Unix milliseconds) or the server's; or a list of dicts.

        A dict in the list may be {"ts": .., "values": {..}}. Raises ValueError for what is not
        JSON, and for an empty list, to which the server would never answer.
        """
        if values and isinstance(values, (list, tuple)):
            body = "[%s]" % ",".join([encode(item) for item in values])
        else:
            body = encode(values)
            if ts is not None:
                body = '{"ts":%d,"values":%s}' % (ts, body)
        return self.request(2, "telemetry", body=body)

    def send_attributes(self, values):
        """Await it: publish client attributes, a dict. Raises ValueError for what is not JSON."""
        return self.request(2, "attributes", body=encode(values))

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
            response = await self.request(1, "attributes", query=query)
        except ResponseError as error:
            if error.code != _NOT_FOUND:
                raise
            return {}
        return decode(response.payload)

    async def call(self, method, params=None, timeout_ms=_RPC_TIMEOUT_MS):
        """Call a method on the server (client-side RPC) and return its answer.

        ETIMEDOUT if the server's rule chain has no answer to it: by default it has none.
        """
        body = encode({"method": method, "params": params})
        response = await self.request(2, "rpc", body=body, timeout_ms=timeout_ms)
        return decode(response.payload)

    def claim(self, secret="", duration_ms=0):
        """Await it: let a user claim this device by the secret within duration_ms (0: a day).

        The server's 2.01 does not say whether claiming is allowed.
        """
        body = encode({"secretKey": secret, "durationMs": duration_ms})
        return self.request(2, "claim", body=body)

    def report(self, what, error):
        """Keep a problem for the user to read, and log it unless it is the one known already."""
        problem = "%s: %s %s" % (what, type(error).__name__, error)
        if problem != self.problem:
            self.problem = problem
            if self.log:
                self.log(problem)

    def request(self, code, *features, body="", **how):
        """Await it: a request below this device's path."""
        return self.watch(self.client.request(code, self.path + features, body.encode(), **how))

    async def watch(self, request):
        """Await a request and learn from it whether the server is, or was, silent."""
        endpoint = self.client.endpoint
        repeated = endpoint.retransmissions
        try:
            response = await request
        except OSError:
            self.silences += 1
            raise
        if self.silences or endpoint.retransmissions != repeated:
            self.recovered = True
        self.silences = 0
        return response

    def take_attributes(self, payload, full):
        """Take a notification: all shared attributes (full), or what changed."""
        state = decode(payload)
        shared = self.shared
        gone = []
        if full:
            gone = [name for name in shared if name not in state]
        elif isinstance(state.get("deleted"), list):
            gone = state.pop("deleted")
        for name in gone:
            shared.pop(str(name), None)
        changed = {}
        for name, value in state.items():
            if name not in shared or shared[name] != value:
                changed[name] = shared[name] = value
        if changed or gone:
            for callback in self._listeners:
                try:
                    callback(changed, gone)
                except Exception as error:
                    self.report("attributes", error)

    async def take_rpc(self, payload):
        """Take a command: run its handler, once, and send the reply."""
        command = decode(payload)
        now = self.clock.uptime_ms()
        crc = crc32(payload)
        action = None
        for entry in self._replies:
            if entry[0] == crc and now - entry[1] < _REPEAT_MS:
                break
        else:
            entry = [crc, now, '{"error":"busy"}']
            if len(self._replies) < _REPLIES or self._replies[0][2]:
                entry[2] = None
                self._replies = self._replies[1 - _REPLIES :] + [entry]
                entry[2], action = await self._run(command)
        if entry[2]:  # else it still runs, and will reply
            await self.request(2, "rpc", str(command.get("id")), body=entry[2])
            if action:
                action()

    async def _run(self, command):
        # The reply as JSON, and what is to be done after it.
        method = str(command.get("method"))
        reply = {"error": "no such method"}
        action = None
        try:
            if method in self._handlers:
                reply = self._handlers[method](command.get("params"))
                if hasattr(reply, "send"):  # a coroutine
                    reply = await reply
                if isinstance(reply, tuple):
                    reply, action = reply
                if reply is None:
                    reply = {}
                elif not isinstance(reply, dict):
                    reply = {"error": "the handler returned no dict"}
            return encode(reply), action
        except Exception as error:
            # Only the kind goes out: the text may hold what nobody else is to see.
            self.report(method, error)
            return '{"error":"%s"}' % type(error).__name__, None


def encode(values):
    """Return a dict as JSON text; ValueError, with the key, for what JSON cannot say."""
    if not isinstance(values, dict):
        raise ValueError("a dict is wanted")
    _check(values, "")
    return json.dumps(values, separators=(",", ":"))


def decode(payload):
    """Return the JSON of a server's answer; TransferError if it is none."""
    try:
        return json.loads(payload)
    except ValueError:
        raise TransferError("JSON")


def _check(value, name):
    # MicroPython's json writes nan, and the repr of what it does not know, without complaint.
    good = value is None or isinstance(value, (bool, int, str, dict, list, tuple))
    if isinstance(value, dict):
        for key in value:
            good = good and isinstance(key, str)
            _check(value[key], key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, name)
    elif isinstance(value, float):
        good = value - value == 0  # neither infinite nor NaN
    if not good:
        raise ValueError("not JSON: %s" % name)
