"""Observations by a real device, where the server's answers are overtaken, late or withheld."""

import json
import time

import pytest
from aiocoap.numbers.types import CON, NON

from tests.system.test_device import TOKEN, DeviceProcess

WITHIN_S = 5  # sooner than the next sign of life by itself


def observing(sim, **parameters):
    """Return (record, process) of a device that observes."""
    record = sim.add_device("device", TOKEN)
    sim.set_shared(record, interval=5, mode="eco")
    process = DeviceProcess(sim, **parameters)
    begun = lambda: sim.observes(record, "rpc") and len(process.shared()) == 2  # noqa: E731
    assert sim.until(begun, 20), process.output
    return record, process


def messages(sim):
    """Return a list that gets what observers are told: (type, Observe, payload)."""
    heard = []

    def see(event):
        message = event.message
        if not event.up and message.code == 69 and message.opt.observe is not None:
            heard.append((message.mtype, message.opt.observe, json.loads(message.payload)))

    sim.subscribe(see)
    return heard


def deleted(process):
    return [name for event in process.events for name in event.get("deleted", ())]


def test_no_deletion_is_invented_where_changes_overtake_the_state(sim):
    record, process = observing(sim)
    heard = messages(sim)
    # Changes that come too fast leave gaps, gaps make registrations, and these meet changes.
    sim.link.delay_ms = 10
    for n in range(200):
        sim.set_shared(record, mode=n)
        time.sleep(0.01)
    assert sim.until(lambda: process.shared() == record.shared_attributes, 15), process.output
    raced = [payload for kind, observe, payload in heard if kind == CON and observe == 0]
    process.stop()
    assert any(list(payload) == ["mode"] for payload in raced), heard
    assert deleted(process) == [], process.output


@pytest.mark.parametrize("gone", [False, True])
def test_a_state_after_an_empty_ack_deletes_what_is_gone_and_no_more(sim, gone):
    record, process = observing(sim)
    sim.link.loss_down = 1.0
    if gone:
        sim.delete_shared(record, "mode")
    sim.restart()  # what it had to tell is forgotten
    sim.switches.backend_delay = 0.8
    sim.link.loss_down = 0.0
    sim.link.nat.rebind()
    expected = {"interval": 5} if gone else {"interval": 5, "mode": "eco"}
    sim.until(lambda: sim.observes(record), 60)
    assert sim.until(lambda: process.shared() == expected, 20), process.output
    process.stop()
    assert deleted(process) == (["mode"] if gone else []), process.output


def test_what_the_server_withholds_of_a_burst_is_there_a_moment_later(sim):
    record, process = observing(sim)
    sim.switches.withheld = 1.0
    # It shows in what came before: two changes close together. (One alone would not tell.)
    sim.set_shared(record, n=-1)
    assert sim.until(lambda: process.shared().get("n") == -1), process.output
    sim.link.delay_ms = 20
    for n in range(10):
        sim.set_shared(record, n=n)
    right = lambda: process.shared().get("n") == 9  # noqa: E731
    assert sim.until(right, WITHIN_S), process.output
    process.stop()


def at_once(sim, record, numbers):
    """Send one-way commands, all in one moment."""

    def start():
        for n in numbers:
            rpc = record.start_rpc("tell", n, False, persistent=False, on_done=lambda: None)
            assert sim.downlink.send(record, rpc)

    sim.call(start)


def told(process):
    return [event["told"] for event in process.events if "told" in event]


def test_one_way_commands_at_once_all_come_by_non(sim):
    record, process = observing(sim, rpc_type=int(NON))
    for first in range(0, 40, 10):
        at_once(sim, record, range(first, first + 10))
        assert sim.until(lambda f=first: len(told(process)) == f + 10), process.output
        time.sleep(1)  # the device replies to one-way commands too: ten at a time are its limit
    process.stop()
    assert sorted(told(process)) == list(range(40))


def test_one_way_commands_at_once_are_dropped_by_the_server_with_con(sim):
    sim.link.delay_ms = 20
    record, process = observing(sim)
    at_once(sim, record, range(10))
    assert not sim.until(lambda: len(told(process)) > 3, 3), process.output
    process.stop()
    assert told(process)[0] == 0


def test_a_nat_that_forgot_the_device_is_noticed_within_a_minute(sim):
    # The signs of life come ten times as often: the minute has six seconds.
    record, process = observing(sim, keepalive_ms=2500)
    sim.link.nat.rebind()
    sim.set_shared(record, mode="full")
    assert sim.until(lambda: process.shared().get("mode") == "full", 6), process.output
    assert sim.rpc(record, "echo", 1) == {"params": 1}
    process.stop()
