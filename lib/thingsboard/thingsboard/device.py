# The device API of ThingsBoard over CoAP: telemetry, attributes, RPC both ways, claiming.
#
# The verbs await the server's answer and raise what coap.Client.request() raises. What comes by
# itself, attributes and commands, is fed by jobs.run().

import asyncio

from coap import ResponseError, TransferError
from micropython import const

from . import payload_json
from .attributes import SharedAttributes
from .clock import Clock
from .outbox import Outbox
from .rpc import Commands
from .session import Session

_GET = const(1)
_POST = const(2)
_ACK = const(2)
_BLOCK2 = const(23)
_MORE = const(8)  # its bit: more blocks follow
_NOT_FOUND = const(0x84)
_RPC_TIMEOUT_MS = const(12_000)  # the server gives up after 10 s, without a word
_WAIT_MS = const(93_000)  # MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2)
_REPLY_MS = const(20_000)
_QUERY = const(255)  # bytes of a Uri-Query (RFC 7252 table 4)
_LARGE = const(1 << 20)  # bytes of all shared attributes, of which few are kept
_CLIENT_KEYS = const("clientKeys=")
_SHARED_KEYS = const("sharedKeys=")


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
        """The shared attributes as last heard, a dict: all of them, or those that are wanted."""
        return self.attributes.values

    @property
    def problem(self):
        """What keeps the device from its server, as text; None while all is well."""
        return self.session.problem

    def on_attributes(self, callback, names=None):
        """Call callback(changed, deleted), a dict and a list of names, for shared attributes.

        names: those it wants; None: all. If every callback names what it wants, nothing else is
        kept, and where the server has more than fits a datagram, only these are asked for.
        Raises ValueError for a name that cannot be asked for.
        """
        _queries(_SHARED_KEYS, names or ())  # a wrong name is told now
        self.attributes.listen(callback, names)
        self.session.register_soon()  # their values may have come already

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

        What the server does not have is left out; {} if it has none at all. Many names make
        several requests. Raises ValueError for a name that cannot be asked for.
        """
        client = _queries(_CLIENT_KEYS, client_keys)
        shared = _queries(_SHARED_KEYS, shared_keys)
        result = {}
        while True:
            query = [queries.pop(0) for queries in (client, shared) if queries]
            for scope, values in (await self._read(query)).items():
                result.setdefault(scope, {}).update(values)
            if not (client or shared):
                return result

    async def take_state(self, observation, message):
        """Take what an observation of the attributes says: the full state, or a change.

        The full state comes in the ACK of the registration, or after an empty one. A change that
        overtakes it is a CON that no ACK came before; the full state is taken for one more change
        then. After an empty ACK nothing tells the two apart.

        Of more than one block there is the first. The attributes that the listeners want are read
        by name then, or, if that is all of them, one after the other as the blocks come. One that
        does not fit is reported; the others arrive.
        """
        attributes = self.attributes
        full = message.acknowledged
        doubtful = full and message.type != _ACK
        kept = []
        if (message.uint(_BLOCK2) or 0) & _MORE:
            names = attributes.wanted()
            if names is not None:
                values, kept = await self._read_each(names)
                return attributes.take_values(values, True, kept)
            members = self.payload.Members()
            await observation.fetch_rest(message, members.feed, _LARGE)
            members.end()
            values = members.values
            kept = members.skipped
            for name in kept:
                self.session.report("attribute " + name, ValueError("too large"))
        elif doubtful:
            values = self.payload.decode("state", message.payload)
        else:
            return attributes.take(message.payload, full)
        if doubtful:
            await self._read_lacking(values, kept)
        attributes.take_values(values, full, kept)

    async def take_command(self, observation, message):
        """Take what an observation of the commands says: a task obeys it."""
        payload = message.payload
        command = self.commands.admit(payload)
        if command:
            try:
                asyncio.create_task(self.commands.obey(command, payload))
            except MemoryError:
                self.commands.done(command)
                raise

    async def _read_lacking(self, values, kept):
        # Complete what may be the full state: nothing counts as deleted before it was asked for.
        if isinstance(values.get("deleted"), list):
            del values["deleted"]  # of a change; an attribute of that name is read
        names = [name for name in self.shared if name not in values and name not in kept]
        try:
            read, unread = await self._read_each(names)
        except ValueError:  # a name that cannot be asked for
            read, unread = {}, names
        values.update(read)
        kept += unread

    async def _read_each(self, names):
        # Return shared attributes, a dict, and a list of those that are too large.
        values = {}
        unread = []
        queries = _queries(_SHARED_KEYS, names)
        while queries:
            query = queries.pop(0)
            try:
                values.update((await self._read((query,))).get("shared", {}))
            except (TransferError, MemoryError) as error:
                keys = query[len(_SHARED_KEYS) :].split(",")
                if len(keys) > 1:
                    queries += [_SHARED_KEYS + key for key in keys]
                else:
                    unread += keys
                    self.session.report("attribute " + keys[0], error)
        return values, unread

    async def _read(self, query):
        # GET attributes: what the server has of them, by "client" and "shared".
        try:
            request = self.client.request(_GET, self.path + ("attributes",), query=query)
            response = await self.session.watch(request)
        except ResponseError as error:
            if error.code != _NOT_FOUND:
                raise
            return {}
        values = self.payload.decode("attributes", response.payload)
        return {scope: values[scope] for scope in values if isinstance(values[scope], dict)}

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
        request = self.client.request(_POST, path, payload, timeout_ms=_REPLY_MS)
        return self.session.watch(request)


def _queries(prefix, keys):
    # The Uri-Query options that name all keys, each as long as one may be.
    queries = []
    for key in keys:
        if "," in key or "=" in key or len((prefix + key).encode()) > _QUERY:
            raise ValueError("attribute name: " + key)
        longer = queries and queries[-1] + "," + key
        if longer and len(longer.encode()) <= _QUERY:
            queries[-1] = longer
        else:
            queries.append(prefix + key)
    return queries
