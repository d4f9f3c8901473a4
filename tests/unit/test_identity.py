# Who the device is: tokens that it has, gets, makes up; and what is none.

import errno
import json

from coap import TransferError
from coap.message import Message
from fakes import Client
from hardware import Hardware, read, write
from rows import rows
from world import World

FILE = "credentials.json"
CERTIFICATE = "me.der"
DER = b"\x30\x03abc"
TOKEN = "0123456789abcdef0123"
PROVISION = "api/v1/provision"
NOT_FOUND = Message(0x84)  # the server knows the token, and has no attributes
UNAUTHORIZED = Message(0x81)


def gives(value, kind="ACCESS_TOKEN"):
    answer = {"status": "SUCCESS", "credentialsType": kind, "credentialsValue": value}
    return Message(0x41, json.dumps(answer).encode())


def refusal(status=b"FAILURE"):
    return Message(0x80, b'{"status":"' + status + b'"}')


class Scene:
    """`with Scene(answers) as scene:` a device asks who it is; time passes by world.pass_ms()."""

    def __init__(self, *answers, saved=None, device_name=None, certificate=None):
        self.client = Client(*answers)
        self.config = {
            "credentials": saved or {},
            "provision_key": "KEY",
            "provision_secret": "SECRET",
            "device_name": device_name,
            "certificate": CERTIFICATE if certificate else None,
        }
        self.certificate = certificate
        self.lines = []
        self.tokens = []  # that were returned
        self.board = Hardware()
        self.world = World(turns=8)

    def __enter__(self):
        self.board.__enter__()
        identity = self.board.load("app.identity")
        if self.config["credentials"]:
            write(FILE, json.dumps(self.config["credentials"]))
        if self.certificate:
            write(CERTIFICATE, self.certificate)

        async def ask():
            token = await identity.provisioned(self.client, self.config, self.lines.append)
            self.tokens.append(token)

        self.world.__enter__()  # last: what fails before leaves asyncio as it is
        self.world.loop.start(ask())
        return self

    def __exit__(self, *_):
        self.world.__exit__()
        self.board.__exit__()
        assert "SECRET" not in "".join(self.lines)

    def asked(self):
        """Return what the server was asked, each a dict; None for its attributes."""
        return [
            json.loads(payload) if path == PROVISION else None
            for _, path, payload in self.client.requests
        ]


def saved():
    content = read(FILE)
    return content and json.loads(content.decode())


def test_a_token_that_is_known_costs_no_request():
    with Scene(saved={"access_token": TOKEN, "provisioned": True}) as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == [TOKEN] and scene.client.requests == []


def test_a_name_that_is_unknown_is_told_in_words_and_counted():
    error = OSError(errno.ENOENT, "no such name: demo.example")
    with Scene(*[error] * 20) as scene:
        scene.world.pass_ms(15_000 * 15 + 1)  # 4 waits, which double
        words = "provisioning: no such name: demo.example"
        assert scene.lines == [words + ", try %d" % n for n in (1, 2, 4)]
        assert scene.tokens == []


def test_a_new_device_makes_its_token_and_saves_it_before_it_asks():
    seen = []

    def answer(payload):
        seen.append((json.loads(payload)["token"], saved()))
        return gives(json.loads(payload)["token"])

    with Scene(answer) as scene:
        scene.world.pass_ms(0)
        ((token, before),) = seen
        assert len(token) == 20 and all([c in "0123456789abcdef" for c in token])
        assert before == {"access_token": token, "provisioned": False}
        assert scene.tokens == [token]
        assert saved() == {"access_token": token, "provisioned": True}
        assert scene.lines == ["provisioned"]
        assert scene.asked() == [
            {"token": token, "provisionDeviceKey": "KEY", "provisionDeviceSecret": "SECRET"}
        ]


def knows_it(payload):
    assert json.loads(payload)["credentialsType"] == "X509_CERTIFICATE"
    return gives("MANhYmM=", "X509_CERTIFICATE")


def test_a_certificate_is_made_known_once():
    with Scene(knows_it, certificate=DER, device_name="pump") as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == [None] and scene.lines == ["provisioned"]
        (asked,) = scene.asked()
        lines = asked["hash"].split("\n")
        assert lines[0] == "-----BEGIN CERTIFICATE-----" and lines[1] == "MANhYmM="
        assert asked["deviceName"] == "pump" and "token" not in asked
        kept = saved()
        assert kept["provisioned"] is True and len(kept["certificate"]) == 64
    with Scene(saved=kept, certificate=DER) as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == [None] and scene.client.requests == []


@rows(
    another={"provisioned": True, "certificate": "0" * 64},
    token={"provisioned": True, "access_token": TOKEN},
    damaged={"provisioned": True, "certificate": 5},
)
def test_another_certificate_is_made_known_again(before):
    with Scene(knows_it, certificate=DER, saved=before) as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == [None] and len(scene.asked()) == 1
        assert "access_token" not in saved()


def test_a_certificate_that_an_answer_was_lost_for():
    with Scene(OSError(errno.ETIMEDOUT), refusal(), NOT_FOUND, certificate=DER) as scene:
        scene.world.pass_ms(15_001)
        assert scene.tokens == [None] and len(scene.asked()) == 3


def test_a_server_that_takes_no_certificate():
    with Scene(gives(TOKEN), certificate=DER) as scene:
        scene.world.pass_ms(1000)
        assert scene.lines == ["provisioning: the server took no certificate, try 1"]
        assert scene.tokens == [] and saved() is None


def test_two_devices_make_different_tokens():
    tokens = []
    for _ in range(2):
        with Scene(lambda payload: gives(json.loads(payload)["token"])) as scene:
            scene.world.pass_ms(0)
            tokens += scene.tokens
    assert len(tokens) == 2 and tokens[0] != tokens[1]


def test_a_name_of_its_own():
    with Scene(gives(TOKEN), device_name="Pumpe 7") as scene:
        scene.world.pass_ms(0)
        assert scene.asked()[0]["deviceName"] == "Pumpe 7"


def test_a_device_that_was_made_beforehand_keeps_the_servers_token():
    with Scene(gives("the-server's")) as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == ["the-server's"]
        assert saved() == {"access_token": "the-server's", "provisioned": True}


def test_after_a_power_cut_it_asks_with_the_token_that_it_had_made():
    with Scene(gives(TOKEN), saved={"access_token": TOKEN, "provisioned": False}) as scene:
        scene.world.pass_ms(0)
        assert scene.asked()[0]["token"] == TOKEN and scene.tokens == [TOKEN]


@rows(attributes=Message(0x45, b'{"client":{}}'), none=NOT_FOUND)
def test_the_answer_to_the_first_try_was_lost(attributes):
    with Scene(refusal(), attributes, saved={"access_token": TOKEN}) as scene:
        scene.world.pass_ms(0)
        assert scene.tokens == [TOKEN]
        assert saved() == {"access_token": TOKEN, "provisioned": True}
        assert scene.client.requests[1][1] == ("api", "v1", TOKEN, "attributes")


@rows(
    unauthorized=UNAUTHORIZED,
    silent=OSError(110),
    busy=Message(0xA0),
    no_json=Message(0x45, b"{"),
    large=TransferError("too large"),
)
def test_a_refused_device_asks_again_ever_more_seldom(attributes):
    instants = []

    def refuse(payload):
        instants.append(scene.world.now // 1000)
        return refusal(b"NOT_FOUND")

    with Scene(*[refuse, attributes] * 9) as scene:
        scene.world.pass_ms(1_500_000)
        pauses = [b - a for a, b in zip(instants, instants[1:])]
        assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]
        assert scene.lines[0].startswith("provisioning: wrong key or secret")
        assert scene.tokens == [] and saved()["provisioned"] is False


@rows(
    mqtt=gives('{"clientId":"c"}', "MQTT_BASIC"),
    x509=gives("MIIB", "X509_CERTIFICATE"),
    other_type=gives(TOKEN, "LWM2M_CREDENTIALS"),
    no_type=gives(TOKEN, None),
    long_type=gives(TOKEN, "x" * 5000),
    type_of_a_type=gives(TOKEN, {"a": 1}),
    number=gives(5),
    none=gives(None),
    empty=gives(""),
    blank=gives("a b"),
    line=gives("a\n"),
    not_ascii=gives("\u00e4"),
    too_long=gives("x" * 33),
    list=gives(["a"]),
    dict=gives({"a": "b"}),
    silence=OSError(110),
    no_json=Message(0x41, b"{"),
    no_object=Message(0x41, b'"text"'),
    empty_payload=Message(0x41),
    memory=MemoryError(),
)
def test_what_is_no_token_is_named_and_asked_for_again(answer):
    with Scene(answer, gives(TOKEN)) as scene:
        scene.world.pass_ms(14_000)
        assert scene.tokens == [] and saved()["provisioned"] is False
        (line,) = scene.lines
        assert line.startswith("provisioning: ") and len(line) < 200
        assert line.count("provisioning: ") == 1
        own = saved()["access_token"]
        scene.world.pass_ms(1000)
        assert scene.tokens == [TOKEN]
        assert [asked["token"] for asked in scene.asked()] == [own, own]


@rows(
    {"access_token": 5, "provisioned": True},
    {"access_token": None, "provisioned": True},
    {"access_token": "", "provisioned": True},
    {"access_token": "a b", "provisioned": True},
    {"access_token": "\u00e4", "provisioned": True},
    {"access_token": "x" * 33, "provisioned": True},
    {"access_token": [TOKEN], "provisioned": True},
    {"provisioned": True},
    {"token": TOKEN},
)
def test_damaged_credentials_are_got_anew(damaged):
    with Scene(lambda payload: gives(json.loads(payload)["token"]), saved=damaged) as scene:
        scene.world.pass_ms(0)
        (token,) = scene.tokens
        assert len(token) == 20 and saved() == {"access_token": token, "provisioned": True}


@rows("true", 1, "yes", None, [True])
def test_only_true_is_provisioned(value):
    with Scene(gives(TOKEN), saved={"access_token": TOKEN, "provisioned": value}) as scene:
        scene.world.pass_ms(0)
        assert len(scene.client.requests) == 1 and scene.tokens == [TOKEN]


def test_on_a_full_flash_no_token_is_asked_for_that_could_be_lost():
    with Scene(lambda payload: gives(json.loads(payload)["token"])) as scene:
        scene.board.full = True
        scene.world.pass_ms(14_000)
        assert scene.client.requests == [] and len(scene.lines) == 1
        scene.board.full = False
        scene.world.pass_ms(1000)
        assert scene.tokens == [saved()["access_token"]] and saved()["provisioned"]


def test_a_flash_that_is_full_after_the_answer_is_no_end():
    with Scene(gives(TOKEN), saved={"access_token": TOKEN}) as scene:
        scene.board.full = True
        scene.world.pass_ms(15_000)
        assert scene.tokens == [TOKEN] and "OSError" in scene.lines[0]
