"""A device's shared attributes at a server made of Californium: changes that meet a registration,
and bursts of which the server keeps the newest.
"""

import json
import time

import pytest
from aiocoap import Message
from aiocoap.numbers.types import ACK, CON

from tests.interop.relay import Relay
from tests.system.test_device import DeviceProcess

WITHIN_S = 8  # sooner than the next sign of life by itself


class Ear(Relay):
    """The way to the server. Knows what was told of the attributes."""

    def __init__(self, server):
        super().__init__(server.port)
        self.tokens = set()  # of registrations for attributes
        self.ids = {}  # message id of a registration: its token
        self.acknowledged = set()  # tokens whose registration got an ACK
        self.told = []  # token, type, Observe number, names
        self.meet = self._hear

    def _hear(self, up, data):
        message = Message.decode(data)
        if up and message.opt.uri_path[-1:] == ("attributes",) and message.opt.observe == 0:
            self.tokens.add(message.token)
            self.ids[message.mid] = message.token
        elif not up and message.mtype is ACK and message.mid in self.ids:
            self.acknowledged.add(self.ids[message.mid])
        if not up and message.token in self.tokens and message.payload:
            names = sorted(json.loads(message.payload))
            self.told.append((message.token, message.mtype, message.opt.observe, names))
        return True


@pytest.fixture
def ear(californium):
    for name in ("interval", "mode"):
        californium.set_attribute(name, 5)
    with Ear(californium) as ear:
        yield ear


@pytest.fixture
def device(ear):
    process = DeviceProcess(ear)
    try:
        assert settled(process, interval=5, mode=5), process.output
        yield process
    finally:
        process.stop()


def settled(process, **expected):
    """Wait until the device knows these values; return whether it does, and no others."""
    end = time.monotonic() + WITHIN_S
    while process.shared() != expected and time.monotonic() < end:
        time.sleep(0.02)
    return process.shared() == expected


def deleted(process):
    return [name for event in process.events for name in event.get("deleted", ())]


def test_a_change_that_meets_a_registration_deletes_nothing(californium, ear, device):
    for n in range(10, 13):
        californium.meet("mode", n)
        # Two changes at once make the device register anew, and the third meets that.
        californium.burst("interval", 2, 5)
        assert settled(device, interval=1, mode=n), device.output
    raced = [
        names
        for token, kind, number, names in ear.told
        if (kind, number) == (CON, 0) and token not in ear.acknowledged
    ]
    assert raced.count(["mode"]) == 3, ear.told
    assert deleted(device) == [], device.output


@pytest.mark.parametrize("gap_ms", [0, 2, 15])
def test_the_newest_of_a_burst_arrives(californium, ear, device, gap_ms):
    # While one is in flight the newer ones replace each other.
    ear.link.delay_ms = 5
    before, changes = len(ear.told), 0
    for count in range(8, 14):
        californium.burst("mode", count, gap_ms)
        changes += count
        assert settled(device, interval=5, mode=count - 1), device.output
    told = [names for *_, names in ear.told[before:] if names == ["mode"]]
    assert gap_ms > 2 or len(told) < changes
    assert deleted(device) == [], device.output


def test_a_burst_that_meets_a_registration(californium, ear, device):
    for n in range(20, 24):
        californium.burst("mode", 10, 1)
        time.sleep(1)  # the device registers anew about now
        californium.burst("interval", 10, 20)
        californium.set_attribute("mode", n)
        assert settled(device, interval=9, mode=n), device.output
    assert deleted(device) == [], device.output
