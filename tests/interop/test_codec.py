"""Our codec against aiocoap's, npm's coap-packet and tshark, on generated messages."""

import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import aiocoap
import pytest
from aiocoap.numbers import Code, OptionNumber
from aiocoap.numbers.types import Type
from hypothesis import Phase, given, settings

from tests.interop.peers import NODE_MODULES, program
from tests.support.dual import prepare_cpython
from tests.support.messages import BLOCKS, Fields, messages

prepare_cpython(Path(__file__).parent)

from coap.message import Message, decode  # noqa: E402

generated = settings(max_examples=400)


def our_encode(f: Fields) -> bytes:
    message = Message(f.code, f.payload, f.options, f.type, f.token, f.message_id)
    return bytes(message.encode())


def our_decode(datagram: bytes) -> Fields:
    return Fields.of(decode(datagram))


def aiocoap_encode(f: Fields) -> bytes:
    message = aiocoap.Message(code=Code(f.code), payload=f.payload, _mtype=Type(f.type))
    message.mid, message.token = f.message_id, f.token
    for number, value in f.options:
        message.opt.add_option(OptionNumber(number).create_option(decode=value))
    return message.encode()


def aiocoap_decode(datagram: bytes) -> Fields:
    m = aiocoap.Message.decode(datagram)
    options = [(int(o.number), o.encode()) for o in m.opt.option_list()]
    return Fields(int(m.mtype), int(m.code), m.token, m.mid, options, m.payload)


@generated
@given(messages)
def test_aiocoap(fields):
    assert aiocoap_decode(our_encode(fields)) == fields
    assert our_decode(aiocoap_encode(fields)) == fields


class CoapPacket:
    """npm's coap-packet in a process of its own (codec.js)."""

    def __init__(self):
        assert NODE_MODULES.exists(), "npm ci --prefix tests/interop"
        command = program("node"), str(Path(__file__).with_name("codec.js"))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict) -> dict:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def encode(self, f: Fields) -> bytes:
        question = {**vars(f), "token": f.token.hex(), "payload": f.payload.hex()}
        question["options"] = [(number, value.hex()) for number, value in f.options]
        return bytes.fromhex(self.ask(question)["datagram"])

    def decode(self, datagram: bytes) -> Fields:
        m = self.ask({"datagram": datagram.hex()})
        m["options"] = [(number, bytes.fromhex(value)) for number, value in m["options"]]
        return Fields(**{**m, **{k: bytes.fromhex(m[k]) for k in ("token", "payload")}})

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def coap_packet():
    packet = CoapPacket()
    yield packet
    packet.close()


def test_coap_packet(coap_packet):
    @generated
    @given(messages)
    def agrees(fields):
        assert coap_packet.decode(our_encode(fields)) == fields
        assert our_decode(coap_packet.encode(fields)) == fields

    agrees()


def pcap(datagrams: list[bytes]) -> bytes:
    """A capture file: each datagram from port 40000 to 5683, as raw IPv4 (link type 101)."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for second, datagram in enumerate(datagrams):
        udp = struct.pack(">HHHH", 40000, 5683, 8 + len(datagram), 0) + datagram
        address = bytes((127, 0, 0, 1))
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + address * 2
        out += struct.pack("<IIII", second, 0, len(ip + udp), len(ip + udp)) + ip + udp
    return out


# tshark takes blocks for parts of a body that it assembles, and knows no option from 256 to 300.
NOT_FOR_TSHARK = {*BLOCKS, *range(256, 300)}


def test_tshark(tmp_path):
    cases = []

    @settings(generated, phases=[Phase.generate])
    @given(messages)
    def collect(fields):
        options = [option for option in fields.options if option[0] not in NOT_FOR_TSHARK]
        cases.append(replace(fields, options=options))

    collect()
    capture = tmp_path / "ours.pcap"
    capture.write_bytes(pcap([our_encode(fields) for fields in cases]))
    names = [f"coap.{name}" for name in ("type", "code", "mid", "token", "payload_length")]
    wanted = [f"-e{name}" for name in names]
    command = [program("tshark"), "-r", str(capture), "-Tfields", "-Eseparator=|", *wanted]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) == len(cases) > 200
    for f, line in zip(cases, lines):
        numbers = [str(f.type), str(f.code), str(f.message_id)]
        token = f.token.hex()
        assert line.split("|") == [*numbers, token, str(len(f.payload) or "")], f
