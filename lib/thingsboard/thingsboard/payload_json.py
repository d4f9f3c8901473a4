# Payloads in JSON, which a ThingsBoard device profile takes unless it says otherwise. Sans-I/O.
#
# A codec object is all that Device, Outbox and provision() know of a payload's form. Another form,
# such as a Protobuf profile, is another object with these methods.

import json

from coap import TransferError


class JSONPayload:
    """The codec of JSON profiles: values to payloads and back.

    What is to be sent raises ValueError, with the key, for what JSON cannot say. What came from
    the server raises TransferError if it has another form.
    """

    # A batch holds any number of records; each takes so many bytes of it beside its values.
    batch_records = 64
    batch_overhead = 31  # {"ts":1790000000000,"values":},

    # Sent

    def telemetry(self, values, ts=None):
        """Return the payload of a dict, with its time in Unix milliseconds; or of a list of dicts.

        A dict in the list may be {"ts": .., "values": {..}}. The list must not be empty: the
        server never answers that.
        """
        if values and isinstance(values, (list, tuple)):
            return _array([_text(item) for item in values])
        text = _text(values)
        return (text if ts is None else _timed(text, ts)).encode()

    def record(self, values):
        """Return a dict as the outbox keeps it: anything with a length in bytes."""
        return _text(values)

    def batch(self, records):
        """Return the payload of a list of (Unix milliseconds, record)."""
        return _array([_timed(record, ts) for ts, record in records])

    def attributes(self, values):
        """Return the payload that publishes client attributes."""
        return _text(values).encode()

    reply = attributes  # to a command
    provision = attributes  # a request for credentials; its fields have the server's names

    def call(self, method, params):
        """Return the payload of a client-side RPC."""
        return self.attributes({"method": method, "params": params})

    def claim(self, secret, duration_ms):
        """Return the payload that allows claiming."""
        return self.attributes({"secretKey": secret, "durationMs": duration_ms})

    # Received

    def read_attributes(self, payload):
        """Return {"client": {..}, "shared": {..}}, the answer to a read of attributes."""
        values = self.read_answer(payload)
        if not isinstance(values, dict):
            raise TransferError("the server's JSON is no object")
        return values

    read_state = read_attributes  # all shared attributes, the answer to a registration
    read_credentials = read_attributes  # {"credentialsType": .., "credentialsValue": ..}

    def read_change(self, payload):
        """Return (dict of new values, list of deleted names), a notification of attributes."""
        values = self.read_attributes(payload)
        deleted = []
        if isinstance(values.get("deleted"), list):  # else an attribute that is named so
            deleted = values.pop("deleted")
        return values, deleted

    def read_command(self, payload):
        """Return (id, method, params) of a server-side RPC."""
        command = self.read_attributes(payload)
        return command.get("id"), str(command.get("method")), command.get("params")

    def read_answer(self, payload):
        """Return the answer to a client-side RPC, of whatever type the rule chain made it."""
        try:
            return json.loads(payload)
        except ValueError:
            raise TransferError("the server's payload is no JSON")


def _array(texts):
    return ("[%s]" % ",".join(texts)).encode()


def _timed(text, ts):
    return '{"ts":%d,"values":%s}' % (ts, text)


def _text(values):
    if not isinstance(values, dict):
        raise ValueError("a dict is wanted")
    _check(values, "")
    return json.dumps(values, separators=(",", ":"))


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
