"""Our client over DTLS against libcoap's servers, of OpenSSL and of GnuTLS."""

import random
import subprocess

import pytest

from tests.interop.peers import LibcoapServer, free_port, ours
from tests.interop.relay import Relay
from tests.support.secure import trusting
from tools import certificates

GET, PUT = 1, 3
CREATED, CONTENT = 0x41, 0x45
CLIENT_HELLO, CHANGE_CIPHER, ALERT, HANDSHAKE, DATA = 1, 20, 21, 22, 23  # RFC 5246
RECORD = 13  # bytes of a record's header; then comes the type of a handshake's message
TIME = {"request": [GET, "time"]}
FATAL_ALERT = bytes.fromhex("15fefd00000000000000090002") + bytes((2, 40))


@pytest.fixture
def files(certificates):
    return certificates


def serve(folder, files, *options, library="openssl", name="server", ca=None):
    own = ("-c", str(files / f"{name}.cert.pem"), "-j", str(files / f"{name}.key.pem"))
    who = ("-C", str(files / f"{ca}.cert.pem")) if ca else ("-n",)
    return LibcoapServer(folder, *own, *who, *options, library=library)


@pytest.fixture(params=["openssl", "gnutls"])
def library(request):
    return request.param


def test_request(files, library, tmp_path):
    with serve(tmp_path, files, library=library) as server:
        (answer,), counters = ours(server.secure_port, TIME, security=trusting(files))
    assert answer["code"] == CONTENT
    assert set(counters.values()) == {0}  # the datagram that ends the handshake has no answer


def test_client_certificate(files, library, tmp_path):
    with serve(tmp_path, files, library=library, ca="ca") as server:
        known = trusting(files, device="signed_device")
        (answer,), _ = ours(server.secure_port, TIME, security=known)
        assert answer["code"] == CONTENT
        (answer,), _ = ours(server.secure_port, TIME, security=trusting(files))
        assert answer["error"] == "HandshakeError" and "alert" in answer["text"].lower()


def test_self_signed_and_pinned(files, library, tmp_path):
    certificates.write(certificates.make("self", hosts=("127.0.0.1",)), tmp_path, "self")
    with serve(tmp_path, tmp_path, library=library, name="self") as server:
        (answer,), _ = ours(server.secure_port, TIME, security=trusting(tmp_path, "self"))
    assert answer["code"] == CONTENT


def test_openssls_own_server(files, tmp_path):
    port = free_port()
    own = ["-cert", files / "server.cert.pem", "-key", files / "server.key.pem"]
    command = ["openssl", "s_server", "-dtls1_2", "-listen", "-accept", f"127.0.0.1:{port}", *own]
    output = tmp_path / "output"
    with output.open("wb") as out:
        server = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=out)
        try:
            # It speaks no CoAP: what comes back is silence, after a handshake.
            request = {"request": [GET, "time"], "timeout_ms": 1500}
            (answer,), _ = ours(port, request, security=trusting(files))
        finally:
            server.kill()
            server.wait()
    assert answer["error"] != "HandshakeError", answer
    assert b"CIPHER is ECDHE-ECDSA-AES" in output.read_bytes()


def test_pre_shared_key(library, tmp_path):
    with LibcoapServer(tmp_path, "-k", "secret", library=library) as server:
        (answer,), _ = ours(server.secure_port, TIME, security={"psk": ["board", "secret"]})
        assert answer["code"] == CONTENT
        (answer,), _ = ours(server.secure_port, TIME, security={"psk": ["board", "other"]})
        assert answer["error"] == "HandshakeError"
        assert "secret" not in str(answer) and "other" not in str(answer)


@pytest.mark.parametrize(
    "how, reason",
    [
        ({"ca": "stranger"}, "not correctly signed by the trusted CA"),
        ({"name": "demo.example"}, "does not match with the expected CN"),
        ({"server": "expired"}, "expired"),
        ({"server": "early"}, "starts in the future"),
    ],
)
def test_server_that_is_not_trusted(files, tmp_path, how, reason):
    name = how.pop("server", "server")
    with serve(tmp_path, files, name=name) as server:
        (answer,), _ = ours(server.secure_port, TIME, security=trusting(files, **how))
    assert answer["error"] == "HandshakeError" and reason in answer["text"]


def test_bodies_in_blocks(files, library, tmp_path):
    payload = random.Random(1).randbytes(3000).hex()
    steps = (
        {"request": [PUT, "example_data"], "payload": payload},
        {"request": [GET, "example_data"]},
    )
    sizes = []
    with serve(tmp_path, files, library=library) as server, Relay(server.secure_port) as relay:

        def meet(up, datagram):
            if up and datagram[0] == DATA:
                sizes.append(len(datagram))
            return True

        relay.meet = meet
        (_, answer), _ = ours(relay.port, *steps, security=trusting(files))
    assert answer["payload"] == payload
    assert 512 < max(sizes) < 640  # ThingsBoard drops more than 1130


def test_observation(files, tmp_path):
    with serve(tmp_path, files) as server:
        steps = {"observe": "time", "messages": 3}
        (answer,), _ = ours(server.secure_port, steps, security=trusting(files))
    assert [message["code"] for message in answer["messages"]] == [CONTENT] * 3


def lose_once(wanted):
    """Return a meet() for a Relay that drops the first datagram that is wanted."""
    lost = []

    def meet(up, datagram):
        if not lost and wanted(up, datagram):
            lost.append(datagram)
            return False
        return True

    return meet, lost


def is_message(datagram, content):
    return datagram[0] == HANDSHAKE and datagram[RECORD] == content


@pytest.mark.parametrize(
    "wanted",
    [
        lambda up, datagram: up and is_message(datagram, CLIENT_HELLO),
        lambda up, datagram: not up and datagram[0] == HANDSHAKE,
        lambda up, datagram: up and datagram[0] == HANDSHAKE and datagram[RECORD] != CLIENT_HELLO,
        lambda up, datagram: not up and datagram[0] == CHANGE_CIPHER,
    ],
    ids=["client hello", "server's first", "client's last flight", "server's last flight"],
)
def test_lost_flight(files, library, tmp_path, wanted):
    meet, lost = lose_once(wanted)
    with serve(tmp_path, files, library=library) as server, Relay(server.secure_port) as relay:
        relay.meet = meet
        (answer,), _ = ours(relay.port, TIME, security=trusting(files))
    assert answer["code"] == CONTENT and lost


def test_lossy_path(files, library, tmp_path):
    steps = [{"request": [PUT, "example_data"], "payload": "00" * 2000}, TIME, TIME, TIME]
    with serve(tmp_path, files, library=library) as server, Relay(server.secure_port) as relay:
        relay.link.loss = 0.1
        answers, _ = ours(relay.port, *steps, security=trusting(files))
    assert [answer["code"] for answer in answers] == [CREATED] + [CONTENT] * 3


class Forger:
    """Sends what a stranger may send to the client: before each datagram of the server."""

    def __init__(self, relay, *forged):
        self.relay = relay
        self.forged = forged

    def __call__(self, up, datagram):
        if not up:
            for client in self.relay.up:
                for each in self.forged:
                    self.relay.down.sendto(each, client)
        return True


@pytest.mark.parametrize(
    "forged",
    [b"", b"\x17", FATAL_ALERT, FATAL_ALERT[:-1], b"\x17" + FATAL_ALERT[1:], bytes(1500)],
    ids=["empty", "a byte", "fatal alert", "cut", "data in clear", "zeros"],
)
def test_forged_datagrams(files, tmp_path, forged):
    with serve(tmp_path, files) as server, Relay(server.secure_port) as relay:
        relay.meet = Forger(relay, forged)
        (answer, again), _ = ours(relay.port, TIME, TIME, security=trusting(files))
    assert answer["code"] == again["code"] == CONTENT


def test_replayed_records(files, tmp_path):
    with serve(tmp_path, files) as server, Relay(server.secure_port) as relay:

        def meet(up, datagram):
            if not up and datagram[0] == DATA:
                for client in relay.up:
                    relay.down.sendto(datagram, client)
            return True

        relay.meet = meet
        answers, counters = ours(relay.port, TIME, TIME, security=trusting(files))
    assert [answer["code"] for answer in answers] == [CONTENT] * 2
    assert counters["duplicates"] == counters["unexpected"] == 0


def test_nobody_there(files):
    (answer,), _ = ours(free_port(), TIME, security=trusting(files))
    assert answer["error"] == "HandshakeError" and "no answer" in answer["text"]


@pytest.mark.parametrize(
    "how, text",
    [
        ({"trusted": "ca.cert.pem"}, "trusted: not DER, but PEM"),
        ({"key": "signed_device.key.pem"}, "certificate or key: not DER, but PEM"),
        ({"certificate": "signed_device.key.der"}, "certificate or key: "),
        ({"key": None}, "a certificate needs its key"),
    ],
)
def test_files_that_do_not_do(files, how, text):
    security = trusting(files, device="signed_device")
    for name, file in how.items():
        security[name] = file and str(files / file)
    with pytest.raises(AssertionError, match=text):
        ours(free_port(), TIME, security=security)
