# Notifications that hide others, or come before the state: what the session tells its listeners.

import json

from coap import ResponseError
from coap.message import CON, NON, Message
from rows import rows
from world import failing, session, silence


def listened(device):
    """Return a list that gets each (changed, deleted)."""
    told = []
    device.on_attributes(lambda *news: told.append(news))
    return told


def state(values):
    return Message(0x45, json.dumps({"shared": values}).encode())


QUIET = {"keepalive_ms": 0, "reregister_ms": 10_000_000}


@session(**QUIET)
def test_a_change_that_overtakes_the_state_deletes_nothing(world, client, device, log):
    told = listened(device)
    world.pass_ms(20_000)
    attributes = client.observations[0]
    attributes.notify(0, b'{"a":1,"b":1,"gone":1}')
    world.pass_ms(20_000)
    attributes.register()
    del told[:]
    attributes.notify(0, b'{"a":2}', type=CON)
    attributes.notify(1, b'{"a":2,"b":1,"c":1}')
    world.pass_ms(0)
    assert told == [({"a": 2}, []), ({"c": 1}, [])]
    registered = attributes.registered
    # The state was taken for a change: what is gone tells the next registration, in a second.
    world.pass_ms(999)
    assert attributes.registered == registered
    world.pass_ms(1)
    assert attributes.registered == registered + 1 and client.observations[1].registered == 1
    attributes.notify(0, b'{"a":2,"b":1,"c":1}')
    world.pass_ms(20_000)
    assert told[2:] == [({}, ["gone"])]
    assert attributes.registered == registered + 1


@session(**QUIET)
def test_the_state_may_have_any_number_in_the_ack(world, client, device, log):
    told = listened(device)
    world.pass_ms(20_000)
    attributes = client.observations[0]
    attributes.notify(0, b'{"a":1,"gone":1}')
    world.pass_ms(0)
    attributes.register()
    attributes.notify(1, b'{"a":1}')
    world.pass_ms(0)
    assert told[1:] == [({}, ["gone"])]
    assert attributes.registered == 3  # a change was number 0: it is asked for again


@rows(
    the_state=(b'{"a":2}', {}, {"a": 2}, {"a": 2}, ["b", "c"]),
    the_state_was_changed_meanwhile=(b'{"a":2}', {"b": 1}, {"a": 2, "b": 1}, {"a": 2}, ["c"]),
    a_change=(b'{"a":2}', {"b": 1, "c": 3}, {"a": 2, "b": 1, "c": 3}, {"a": 2, "c": 3}, []),
    a_deletion=(b'{"deleted":["b"]}', {"a": 1, "c": 2}, {"a": 1, "c": 2}, {}, ["b"]),
    a_deletion_and_more=(b'{"deleted":["b"]}', {"a": 1}, {"a": 1}, {}, ["b", "c"]),
)
def test_after_an_empty_ack_only_what_a_read_does_not_find_is_deleted(
    payload, read, shared, changed, deleted
):
    @session(**QUIET)
    def play(world, client, device, log):
        told = listened(device)
        world.pass_ms(0)
        attributes = client.observations[0]
        attributes.notify(0, b'{"a":1,"b":1,"c":2}')
        world.pass_ms(0)
        attributes.register()
        client.answers = lambda what: what == "attributes" and state(read) or None
        attributes.notify(0, payload, type=CON, acknowledged=True)
        world.pass_ms(0)
        assert device.shared == shared
        (its, gone) = told[1]
        assert its == changed and sorted(gone) == deleted and len(told) == 2
        assert len([1 for _, kind, _ in client.done if kind == "request"]) == 2  # one is the time

    play()


@session(**QUIET)
def test_a_late_state_that_lacks_nothing_needs_no_read(world, client, device, log):
    told = listened(device)
    world.pass_ms(0)
    attributes = client.observations[0]
    attributes.notify(0, b'{"a":1}', type=CON, acknowledged=True)
    attributes.notify(1, b'{"b":2}')
    world.pass_ms(20_000)
    attributes.register()
    attributes.notify(0, b'{"a":1,"b":3}', type=CON, acknowledged=True)
    world.pass_ms(0)
    assert told == [({"a": 1}, []), ({"b": 2}, []), ({"b": 3}, [])]
    assert [what for _, kind, what in client.done if kind == "request"] == ["efento/t"]


@rows(silent=silence(), busy=ResponseError(Message(0xA0)))
def test_a_read_that_fails_deletes_nothing(error):
    @session(**QUIET)
    def play(world, client, device, log):
        told = listened(device)
        world.pass_ms(0)
        attributes = client.observations[0]
        attributes.notify(0, b'{"a":1,"b":1}')
        world.pass_ms(0)
        attributes.register()
        client.answers = failing("attributes", [error])
        attributes.notify(0, b'{"a":1}', type=CON, acknowledged=True)
        world.pass_ms(1000)
        assert len(told) == 1 and len(log) == 1
        client.observations[-1].notify(0, b'{"a":1}')
        world.pass_ms(0)
        assert told[1:] == [({}, ["b"])]

    play()


@session(**QUIET)
def test_a_name_that_cannot_be_asked_for_stays(world, client, device, log):
    told = listened(device)
    world.pass_ms(0)
    attributes = client.observations[0]
    attributes.notify(0, b'{"a":1,"b,c":1}')
    world.pass_ms(0)
    attributes.register()
    attributes.notify(0, b'{"a":2}', type=CON, acknowledged=True)
    world.pass_ms(0)
    assert told[1:] == [({"a": 2}, [])] and log == []


@session(**QUIET)
def test_a_burst_is_looked_after_once_a_second_after_its_end(world, client, device, log):
    world.pass_ms(20_000)
    attributes, commands = client.observations
    attributes.notify(0, b'{"n":0}')
    for number in (1, 2, 3):
        attributes.notify(number, b'{"n":%d}' % number)
        world.pass_ms(400)
    world.pass_ms(500)
    assert attributes.registered == 1
    world.pass_ms(100)  # a second after the last
    assert (attributes.registered, commands.registered) == (2, 1)
    attributes.notify(0, b'{"n":9}')
    world.pass_ms(60_000)
    assert device.shared == {"n": 9} and attributes.registered == 2


@session(**QUIET)
def test_single_changes_ask_for_nothing(world, client, device, log):
    world.pass_ms(20_000)
    attributes, commands = client.observations
    attributes.notify(0)
    for number in range(1, 20):
        attributes.notify(number)
        commands.notify(number - 1, b"")
        world.pass_ms(1000)
    assert (attributes.registered, commands.registered) == (1, 1)


@session(**QUIET)
def test_commands_that_come_close_together_are_looked_after(world, client, device, log):
    world.pass_ms(20_000)
    attributes, commands = client.observations
    commands.notify(0, b"")
    commands.notify(1, b'{"id":0,"method":"m","params":0}')
    commands.notify(2, b'{"id":1,"method":"m","params":0}')
    world.pass_ms(1000)
    assert (attributes.registered, commands.registered) == (1, 2)


@session(rpc_type=NON, **QUIET)
def test_commands_by_non(world, client, device, log):
    ran = []
    device.on_rpc("m", ran.append)
    world.pass_ms(20_000)
    attributes, commands = client.observations
    assert (attributes.type, commands.type) == (CON, NON)
    commands.notify(0, b"", type=NON)
    for n in range(8):
        commands.notify(n + 1, b'{"id":%d,"method":"m","params":%d}' % (n, n))
        world.pass_ms(0)
    world.pass_ms(20_000)
    assert ran == list(range(8)) and commands.registered == 1
    commands.notify(10, b'{"id":9,"method":"m","params":9}')  # one is lost: the pending may come
    world.pass_ms(0)
    assert commands.registered == 2
    assert commands.timeout_ms < attributes.timeout_ms  # nothing repeats a NON
