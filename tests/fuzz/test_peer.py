"""An endpoint and a transfer against a peer that sends whatever comes to its mind."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.datagrams import datagrams
from tests.support.dual import prepare_cpython
from tests.support.messages import shortest

prepare_cpython(Path(__file__).parent)

from coap.block import Transfer, TransferError  # noqa: E402
from coap.endpoint import Endpoint  # noqa: E402
from coap.message import Message, decode  # noqa: E402

generated = settings(max_examples=400)
PERIOD = 1 << 30
START = PERIOD - 20_000  # ticks wrap on the way
GIVE_UP_MS = 93_000
MAX_BODY = 2000
OBSERVE, BLOCK2 = 6, 23

codes = st.sampled_from([0, 1, 0x41, 0x42, 0x43, 0x44, 0x45, 0x5F, 0x84, 0x88, 0x8D, 0xA0])
uint = st.one_of(st.integers(0, 40), st.integers(0, 2**24)).map(shortest)
option = st.one_of(
    st.tuples(st.sampled_from([6, 23, 27, 28, 60]), st.one_of(uint, st.binary(max_size=9))),
    st.tuples(st.sampled_from([4, 12, 2049]), st.binary(max_size=3)),
)
options = st.lists(option, max_size=4).map(sorted)
payloads = st.one_of(st.binary(max_size=20), st.sampled_from([16, 32, 64, 1024]).map(bytes))

# A datagram that has to do with exchange number `about`: with its token, its message id, or both.
answers = st.fixed_dictionaries(
    {
        "about": st.integers(0, 3),
        "token": st.booleans(),
        "id": st.booleans(),
        "type": st.integers(0, 3),
        "code": codes,
        "options": options,
        "payload": payloads,
    }
)
steps = st.lists(st.one_of(answers, datagrams, st.integers(0, 30_000)), max_size=40)


class Peer:
    """Four exchanges of one endpoint, and what became of them."""

    def __init__(self):
        self.now = START
        self.endpoint = Endpoint(random.Random(1).randbytes)
        self.mid = 0
        request, observe = self.endpoint.request, Message(1, b"", [(6, b""), (11, b"o")])
        self.exchanges = [
            request(Message(2, b"x", [(11, b"p")]), self.now, GIVE_UP_MS),
            request(observe, self.now, GIVE_UP_MS, observe=True),
            request(Message(1, type=1), self.now, GIVE_UP_MS, bulk=True),
            request(Message(), self.now, GIVE_UP_MS),  # a ping
        ]
        self.ended = []
        self.settle()

    def settle(self):
        while datagram := self.endpoint.next_datagram(self.now):
            assert decode(bytes(datagram)).type in (0, 1, 2, 3)
        while event := self.endpoint.next_event():
            exchange, outcome = event
            assert exchange not in self.ended, "an outcome after the end"
            message = isinstance(outcome, Message)
            if message and exchange.observe is not None:
                assert outcome.option(OBSERVE) is not None
            elif outcome is not None:
                self.ended.append(exchange)

    def take(self, step):
        if isinstance(step, int):
            self.wait(step)
        else:
            datagram = step if isinstance(step, bytes) else self.answer(**step)
            self.endpoint.receive_datagram(datagram, self.now)
        self.settle()

    def answer(self, about, token, id, type, code, options, payload):
        exchange = self.exchanges[about]
        self.mid += 1
        mid = exchange.message_id if id and exchange.message_id else self.mid
        token = exchange.token if token else b"none"
        if not code:
            token, options, payload = b"", [], b""
        return bytes(Message(code, payload, options, type, token, mid).encode())

    def wait(self, ms):
        while ms > 0:
            due = self.endpoint.handle_timeout(self.now)
            self.settle()
            step = min(ms, max(due or 0, 1) if due is not None else ms)
            self.now = (self.now + step) % PERIOD
            ms -= step
        self.endpoint.handle_timeout(self.now)


@generated
@given(steps)
def test_no_peer_upsets_an_endpoint(steps):
    peer = Peer()
    for step in steps:
        peer.take(step)
    # Whatever was said, a request ends: by an answer, or by the time it was given.
    peer.take(GIVE_UP_MS + 1)
    waiting = [e for e in peer.exchanges if e not in peer.ended]
    assert all(exchange.observe is not None for exchange in waiting)
    assert peer.endpoint.exchanges == waiting


def next_block(done: int, szx: int) -> Message:
    """A response that goes on for ever: the block after so many bytes, with more to come."""
    size = 16 << szx
    block = done // size << 4 | 8 | szx
    return Message(0x45, bytes(size), [(BLOCK2, shortest(block))])


# Random responses, and (an int is a block's SZX) the block that is wanted.
responses = st.lists(st.one_of(st.builds(Message, codes, payloads, options), st.integers(0, 6)))


@generated
@given(st.sampled_from([0, 10, 1024, 1500]), st.sampled_from([16, 64, 1024]), responses)
def test_no_peer_upsets_a_transfer(size, block_size, responses):
    got = bytearray()
    transfer = Transfer(Message(2, bytes(size)), block_size, sink=got.extend, max_body=MAX_BODY)
    for response in responses + [responses[-1] if responses else 6] * 200:
        request = transfer.next_request()
        assert len(request.payload) <= block_size
        assert request.encode()
        if isinstance(response, int):
            response = next_block(len(got), response)
        try:
            if transfer.receive(response):
                break
        except TransferError:
            break
        assert len(got) <= MAX_BODY
