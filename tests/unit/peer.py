# An endpoint under test, with a clock that the test moves and a server made of bytes.

from coap.endpoint import Endpoint
from coap.message import CON, POST, Message, decode, option_uint

ACK, RST = 2, 3
OBSERVE = 6


class Dice:
    # Random bytes: a counter, so that tokens differ and nothing is left to chance.
    def __init__(self):
        self.n = 0

    def __call__(self, size):
        self.n += 1
        return bytes([self.n & 127] * size)


class Peer:
    """An endpoint under test and the clock; what it sends is kept as messages."""

    def __init__(self, now=0, **parameters):
        self.endpoint = Endpoint(Dice(), **parameters)
        self.now = now
        self.sent = []

    def request(self, type=CON, code=POST, **how):
        message = Message(code, b"x", [(11, b"a")], type) if code else Message()
        if how.get("observe") is not None:
            message.options.insert(0, (OBSERVE, b""))
        exchange = self.endpoint.request(message, self.now & (1 << 30) - 1, **how)
        return exchange, self.pump()

    def pump(self):
        # Messages that the endpoint sends now.
        sent = []
        while True:
            datagram = self.endpoint.next_datagram(self.now & (1 << 30) - 1)
            if datagram is None:
                self.sent += sent
                return sent
            sent.append(decode(datagram))

    def receive(self, code=0, type=ACK, token=b"", message_id=0, options=(), payload=b""):
        message = Message(code, payload, options, type, token, message_id)
        self.endpoint.receive_datagram(bytes(message.encode()), self.now & (1 << 30) - 1)
        return self.pump()

    def events(self):
        events = []
        while True:
            event = self.endpoint.next_event()
            if event is None:
                return events
            events.append(event)

    def outcome(self):
        # The only event waiting.
        ((_, outcome),) = self.events()
        return outcome

    def wait(self, ms):
        # Let time pass, waking up exactly when the endpoint asks for it; what it sends meanwhile.
        end = self.now + ms
        sent = []
        while True:
            wait_ms = self.endpoint.handle_timeout(self.now & (1 << 30) - 1)
            for message in self.pump():
                sent.append((self.now, message))
                wait_ms = 0
            if wait_ms is None or self.now + wait_ms > end:
                self.now = end
                return sent
            self.now += wait_ms


def notification(number, payload=b"", code=0x45):
    return {"code": code, "options": [(OBSERVE, option_uint(number))], "payload": payload}
