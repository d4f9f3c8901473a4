"""Our client over DTLS against Scandium, ThingsBoard's own DTLS, set up as the server has it."""

import random

from tests.interop.peers import ours
from tests.interop.relay import Relay
from tests.interop.test_dtls import DATA, HANDSHAKE
from tests.support.secure import trusting

GET, PUT = 1, 3
CHANGED, CONTENT = 0x44, 0x45
STORE = {"request": [GET, "store"]}
LARGEST = 1130  # a larger datagram is dropped by ThingsBoard


def put(size, path="store", **how):
    return {"request": [PUT, path], "payload": random.Random(size).randbytes(size).hex(), **how}


def test_request_and_body(californium, certificates):
    sizes = []
    with Relay(californium.secure_port) as relay:
        relay.meet = lambda up, datagram: sizes.append((up, len(datagram))) or True
        (changed, answer), counters = ours(
            relay.port, put(3000), STORE, security=trusting(certificates)
        )
    assert changed["code"] == CHANGED and answer["payload"] == put(3000)["payload"]
    assert counters["retransmissions"] == counters["malformed"] == 0
    assert max(size for up, size in sizes if up) < LARGEST
    assert max(size for up, size in sizes if not up) > 1024  # blocks downwards are whole


def test_client_certificate(californium, certificates):
    known = trusting(certificates, device="device")
    (answer,), _ = ours(californium.secure_port, STORE, security=known)
    assert answer["code"] == CONTENT


def test_notifications(californium, certificates):
    steps = {"observe": "store", "messages": 4, "between": [put(n) for n in (10, 20, 30, 40)]}
    (answer,), _ = ours(californium.secure_port, steps, security=trusting(certificates))
    payloads = [message["payload"] for message in answer["messages"]]
    assert payloads[1:] == [put(n)["payload"] for n in (10, 20, 30)]


def test_download_in_a_window(californium, certificates):
    data = random.Random(5).randbytes(50_000)
    californium.assign(data)
    step = {"download": "fw/TOKEN", "query": ["title=app", "version=1.1"], "window": 5}
    (answer,), _ = ours(californium.secure_port, step, security=trusting(certificates))
    assert bytes.fromhex(answer["payload"]) == data


def test_download_on_a_lossy_path(californium, certificates):
    data = random.Random(6).randbytes(20_000)
    californium.assign(data)
    step = {"download": "fw/TOKEN", "query": ["title=app", "version=1.1"], "window": 3}
    with Relay(californium.secure_port) as relay:
        relay.link.loss_up = relay.link.loss_down = 0.1
        (answer,), _ = ours(relay.port, step, security=trusting(certificates))
    assert bytes.fromhex(answer["payload"]) == data


def test_lost_last_flight_of_the_server(californium, certificates):
    lost = []

    def meet(up, datagram):
        if not up and datagram[0] not in (HANDSHAKE, DATA) and not lost:
            lost.append(datagram)
            return False
        return True

    with Relay(californium.secure_port) as relay:
        relay.meet = meet
        (answer,), _ = ours(relay.port, STORE, security=trusting(certificates))
    assert answer["code"] == CONTENT and lost


def test_server_that_is_not_trusted(californium, certificates):
    security = trusting(certificates, ca="stranger")
    (answer,), _ = ours(californium.secure_port, STORE, security=security)
    assert answer["error"] == "HandshakeError" and "trusted CA" in answer["text"]
