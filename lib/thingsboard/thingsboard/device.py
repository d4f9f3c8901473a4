# The device API of ThingsBoard over CoAP: telemetry, attributes, RPC both ways, claiming.
#
# The verbs await the server's answer and raise what coap.Client.request() raises. What comes by itself, attributes
# and commands, is fed by session.run().

import json
from binascii import crc32

from coap import NOT_FOUND, ResponseError, TransferError
from micropython import const

from .clock import Clock
from .outbox import Outbox

_RPC_TIMEOUT_MS = const(12_000)  # the server gives up after 10 s, without a word
_REPEAT_MS = const(247_000)  # EXCHANGE_LIFETIME: the same command again within it is a repetition
_REPLIES = const(8)  # kept for repetitions
_RUNNING = const(4)  # commands at a time


class Device:
    """One device of a ThingsBoard server.

    client is a coap.Client. access_token None: the DTLS session says who we are (X.509). log(text) is told what goes
    wrong and never sees the token.
    """

    def __init__(self, client, access_token=None, log=None, clock=None, outbox=None):
        self.client = client
        self.clock = clock or Clock()
        self.outbox = outbox or Outbox(self.clock)
        self.log = log or (lambda text: None)
        self.shared = {}  # the shared attributes as last heard
        self.problem = None  # what keeps the device from its server, as text; None while all is well
        self.recovered = False  # an answer came after silence: observations may be lost (session.py)
        self.silences = 0  # requests without an answer since the last one that had one
        self._access_token = access_token
        self._listeners = []
        self._handlers = {}
        self._replies = []  # [CRC32 of the command, uptime, reply or None while it runs]

    def on_attributes(self, callback):
        """Call callback(changed, deleted) when shared attributes change: a dict and a list of names."""
        self._listeners.append(callback)

    def on_rpc(self, method, handler):
        """Answer commands named method by handler(params), sync or async.

        It returns the reply, a dict (None: {}); or (reply, action): action() runs when the server has the reply.
        """
        self._handlers[method] = handler

    def record(self, values, ts=None):
        """Queue telemetry with its time (ts: Unix milliseconds); it is sent when the server is there.

        Raises ValueError for what is not JSON.
        """
        self.outbox.add(encode(_object(values), _ts(ts)), ts)

    async def send_telemetry(self, values, ts=None):
        """Send telemetry: a dict, with ts (Unix milliseconds) or the server's time; or a list of dicts.

        A dict in the list may be {"ts": .., "values": {..}}. Raises ValueError for what is not JSON.
        """
        if _ts(ts) is not None:
            values = {"ts": ts, "values": _object(values)}
        if not values or not isinstance(values, (dict, list, tuple)):
            raise ValueError("telemetry: a dict, or a list of dicts, not empty")
        if not isinstance(values, dict):
            values = [_object(item) for item in values]
        await self.request(2, "telemetry", encode(values))

    async def send_attributes(self, values):
        """Publish client attributes, a dict. Raises ValueError for what is not JSON."""
        await self.request(2, "attributes", encode(_object(values)))

    async def request_attributes(self, client_keys=(), shared_keys=()):
        """Return {"client": {..}, "shared": {..}} of the named attributes, of all if none is named.

        What the server does not have is left out; {} if it has none at all.
        """
        query = []
        for name, keys in (("clientKeys=", client_keys), ("sharedKeys=", shared_keys)):
            for key in keys:
                if "=" in key or "," in key or not key:
                    raise ValueError("attribute name: " + key)
            if keys:
                query.append(name + ",".join(keys))
        try:
            response = await self.request(1, "attributes", query=query)
        except ResponseError as error:
            if error.code != NOT_FOUND:
                raise
            return {}
        return decode(response.payload)

    async def call(self, method, params=None, timeout_ms=_RPC_TIMEOUT_MS):
        """Call a method on the server (client-side RPC) and return its answer.

        ETIMEDOUT if the server's rule chain has no answer to it: by default it has none.
        """
        body = encode({"method": method, "params": params})
        response = await self.request(2, "rpc", body, timeout_ms=timeout_ms)
        return decode(response.payload, object)

    async def claim(self, secret="", duration_ms=0):
        """Let a user claim this device with the secret within duration_ms (0: the server's default, a day).

        The server's 2.01 does not say whether claiming is allowed.
        """
        body = {}
        if secret:
            body["secretKey"] = secret
        if duration_ms:
            body["durationMs"] = duration_ms
        await self.request(2, "claim", encode(body))

    def path(self, *features):
        """Return the path of a feature as segments."""
        token = self._access_token
        return ("api", "v1") + ((token,) if token else ()) + features

    async def request(self, code, feature, body=b"", **how):
        """Send a request below this device's path; feature is a name or a tuple of segments."""
        path = self.path(*((feature,) if isinstance(feature, str) else feature))
        return await self.watch(lambda: self.client.request(code, path, body, **how))

    async def watch(self, request):
        """Await request() and learn from it whether the server was silent."""
        repeated = self.client.endpoint.retransmissions
        try:
            return await request()
        except OSError:
            self.silences += 1
            repeated = None
            raise
        finally:
            if repeated is not None:
                if self.silences or self.client.endpoint.retransmissions != repeated:
                    self.recovered = True
                self.silences = 0

    def take_attributes(self, payload, full):
        """Take a notification: all shared attributes (full), or what changed. Tells the listeners."""
        changed = decode(payload)
        deleted = []
        shared = self.shared
        if full:
            deleted = [name for name in shared if name not in changed]
        elif isinstance(changed.get("deleted"), list):
            deleted = [name for name in changed.pop("deleted") if name in shared]
        changed = {k: v for k, v in changed.items() if k not in shared or shared[k] != v}
        for name in deleted:
            del shared[name]
        shared.update(changed)
        if changed or deleted:
            for callback in self._listeners:
                callback(changed, deleted)

    async def take_rpc(self, payload):
        """Take a command: run its handler, once, and send the reply."""
        command = decode(payload)
        now = self.clock.uptime_ms()
        crc = crc32(payload)
        for entry in self._replies:
            if entry[0] == crc and now - entry[1] < _REPEAT_MS:
                break
        else:
            entry = [crc, now, None]
            running = [e for e in self._replies if e[2] is None]
            if len(running) >= _RUNNING:
                entry[2] = b'{"error":"busy"}'
            else:
                self._replies.append(entry)
                if len(self._replies) > _REPLIES:
                    self._replies.pop(0)
                entry[2], action = await self._run(command)
                await self._reply(command, entry[2])
                if action:
                    action()
                return
        if entry[2] is not None:
            await self._reply(command, entry[2])

    async def _reply(self, command, reply):
        await self.request(2, ("rpc", str(command.get("id"))), reply)

    async def _run(self, command):
        # The reply as JSON, and what is to be done after it.
        method = command.get("method")
        action = None
        handler = self._handlers.get(method)
        if not handler:
            return encode({"error": "no method " + str(method)}), None
        try:
            reply = handler(command.get("params"))
            if hasattr(reply, "send"):  # a coroutine
                reply = await reply
            if isinstance(reply, tuple):
                reply, action = reply
            return encode(_object({} if reply is None else reply)), action
        except Exception as error:
            # Only the kind: the text may hold what nobody else is to see.
            self.log("rpc %s: %r" % (method, error))
            return encode({"error": "%s: %s" % (method, type(error).__name__)}), None


def encode(values, _=None):
    """Return JSON as text without spaces; ValueError naming the key for what JSON cannot say."""
    _check(values, "value")
    return json.dumps(values, separators=(",", ":"))


def decode(payload, kind=dict):
    """Return the JSON of a server's answer; TransferError if it is none, or not of this kind."""
    try:
        value = json.loads(payload)
    except ValueError:
        value = decode
    if value is decode or not isinstance(value, kind):
        raise TransferError("no JSON")
    return value


def _check(value, name):
    # MicroPython's json writes nan, and the repr of what it does not know, without complaint.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError("%s: key %r is not a string" % (name, key))
            _check(item, key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, name)
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueError("%s: not a finite number" % name)
    elif value is not None and not isinstance(value, (int, str)):
        raise ValueError("%s: not JSON" % name)


def _object(values):
    if not isinstance(values, dict):
        raise ValueError("a dict is wanted, not %s" % type(values).__name__)
    return values


def _ts(ts):
    if ts is not None and (not isinstance(ts, int) or isinstance(ts, bool)):
        raise ValueError("ts: Unix milliseconds, an int")
    return ts
