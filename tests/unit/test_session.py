# The session's driver in a world where time jumps: what is done when, and after which news.

import asyncio
import errno
import json

from coap import ResponseError
from coap.message import Message
from world import NOW_S, failing, session, silence


@session()
def test_it_registers_asks_for_the_time_and_gives_signs_of_life(world, client, device, log):
    world.pass_ms(299_000)
    assert client.times("efento/t") == [0]
    signs = [12_500 + 25_000 * n for n in range(12)]
    assert client.times("rpc") == [0] + signs
    # These may be large, but a NAT that forgot us is to be noticed within a minute.
    assert client.times("attributes") == [0] + signs[1::2]
    assert log == [] and device.problem is None
    world.pass_ms(2000)
    assert client.times("rpc")[13:] == client.times("attributes")[7:] == [300_000]


@session()
def test_records_leave_at_once_when_the_time_is_known(world, client, device, log):
    world.pass_ms(500)
    device.record({"t": 1})
    world.pass_ms(0)
    assert client.times("telemetry") == [500] and len(device.outbox) == 0
    ts = (NOW_S * 1000) + 500 + 500  # the second has passed by half when it is told
    assert json.loads(client.payloads[0]) == [{"ts": ts, "values": {"t": 1}}]
    world.pass_ms(60_000)
    assert len(client.payloads) == 1


@session()
def test_records_wait_for_the_time(world, client, device, log):
    client.answers = failing("efento/t", [silence()])
    device.record({"t": 1})
    world.pass_ms(59_000)
    assert client.times("telemetry") == [] and client.times("efento/t") == [0]
    world.pass_ms(2000)
    assert client.times("efento/t") == [0, 60_000]
    assert client.times("telemetry") == [60_000]
    ts = json.loads(client.payloads[0])[0]["ts"]
    assert ts == NOW_S * 1000 + 500 - 60_000


@session()
def test_a_busy_server_gets_the_batch_again_after_a_wait(world, client, device, log):
    world.pass_ms(0)
    client.answers = failing("telemetry", [ResponseError(Message(0xA0)) for _ in range(3)])
    device.record({"t": 1})
    world.pass_ms(10_000)
    assert client.times("telemetry") == [0, 750, 2250, 5250]
    assert len(device.outbox) == 0 and device.problem is None
    assert log == ["telemetry: ResponseError 5.00"]
    # It was taken: the next wait is short again.
    client.answers = failing("telemetry", [ResponseError(Message(0xA0))])
    device.record({"t": 2})
    world.pass_ms(10_000)
    assert client.times("telemetry")[4:] == [10_000, 10_750]


@session()
def test_a_refused_record_is_dropped_and_named(world, client, device, log):
    def answers(what):
        if what == "telemetry" and b"bad" in client.payloads[-1]:
            return ResponseError(Message(0x80))

    world.pass_ms(0)
    client.answers = answers
    for n in range(8):
        device.record({"bad" if n == 5 else "n": n})
    world.pass_ms(1000)
    assert len(device.outbox) == 0 and device.outbox.refused == 1
    assert log == ['{"bad":5}: ResponseError 4.00']
    good = [json.loads(payload) for payload in client.payloads if b"bad" not in payload]
    assert sorted([r["values"]["n"] for batch in good for r in batch]) == [0, 1, 2, 3, 4, 6, 7]
    assert set(client.times("telemetry")) == {0}  # a refusal costs no time


@session()
def test_a_refused_record_of_bytes_is_named_as_such(world, client, device, log):
    device.session.report(b"\x08\x05", ResponseError(Message(0x80)))
    assert log == ["b'\\x08\\x05': ResponseError 4.00"]


def is_answered(world, device):
    # Whether telemetry is, which is sent now.
    try:
        world.loop.run(device.send_telemetry({"t": 1}))
    except OSError:
        return False
    return True


@session(keepalive_ms=0)
def test_an_answer_after_silence_registers_anew_soon(world, client, device, log):
    faults = []
    client.answers = failing("telemetry", faults)
    world.pass_ms(100_000)
    registered = len(client.times("register"))
    faults.append(silence())
    assert not is_answered(world, device)
    assert is_answered(world, device)
    world.pass_ms(0)
    assert client.times("register")[registered:] == [100_000, 100_000]
    # Not again within 10 seconds, however often it happens.
    for _ in range(3):
        assert is_answered(world, device)
        world.pass_ms(1000)
        faults.append(silence())
        assert not is_answered(world, device)
    assert is_answered(world, device)
    world.pass_ms(15_000)
    assert client.times("register")[registered + 2 :] == [110_000, 110_000]


@session(keepalive_ms=0)
def test_an_answer_after_a_repetition_registers_anew_soon(world, client, device, log):
    def answers(what):
        if what == "telemetry":
            client.endpoint.retransmissions += 1

    world.pass_ms(100_000)
    client.answers = answers
    assert is_answered(world, device)
    world.pass_ms(0)
    assert client.times("register") == [0, 0, 100_000, 100_000]


@session(keepalive_ms=0)
def test_three_silences_in_a_row_take_a_new_source_port(world, client, device, log):
    world.pass_ms(0)
    for _ in range(3):
        client.observations[-1].put(silence())
        world.pass_ms(10_000)
    assert client.times("reconnect") == [20_000]
    assert log == ["the server is silent"]


@session(keepalive_ms=0)
def test_the_third_silence_of_telemetry_takes_a_new_source_port_at_once(
    world, client, device, log
):
    world.pass_ms(0)
    client.answers = failing("telemetry", [silence() for _ in range(3)])
    device.record({"t": 1})
    world.pass_ms(10_000)
    assert client.times("telemetry") == [0, 750, 2250, 5250]
    assert client.times("reconnect") == [2250]


@session(keepalive_ms=0)
def test_after_news_it_sleeps_on(world, client, device, log):
    world.pass_ms(0)
    client.answers = failing("telemetry", [silence()])
    device.record({"t": 1})
    waits = world.waits
    world.pass_ms(1000)  # the answer after the silence is the news
    assert world.waits == waits + 1
    world.pass_ms(600)
    assert world.waits == waits + 1


@session(keepalive_ms=0)
def test_a_new_source_port_registers_anew(world, client, device, log):
    world.pass_ms(60_000)
    client.reconnect()  # the owner's call, as when the Wi-Fi was entered again
    world.pass_ms(1)
    assert client.times("register") == [0, 0, 60_000, 60_000]


@session()
def test_a_gap_registers_that_observation_anew_once(world, client, device, log):
    world.pass_ms(0)
    attributes, commands = client.observations
    attributes.notify(0, b'{"a":1}')
    attributes.notify(3, b'{"a":2}')
    attributes.notify(6, b'{"a":3}', token=b"\x01")
    world.pass_ms(0)
    assert attributes.registered == 2 and commands.registered == 1
    attributes.notify(0, b'{"b":1}')
    world.pass_ms(0)
    assert attributes.registered == 2 and device.shared == {"b": 1}


@session(keepalive_ms=0, reregister_ms=10_000_000)
def test_an_observation_that_ends_is_begun_anew_with_growing_waits(world, client, device, log):
    world.pass_ms(0)
    # Another device with this token: each registration succeeds, and is ended by the other's.
    for n in range(9):
        client.observations[-1 if n else 0].notify(0)
        client.observations[-1 if n else 0].put(ResponseError(Message(0x42)))
        begun = len(client.times("attributes"))
        while len(client.times("attributes")) == begun:
            world.pass_ms(250)
        assert "another device" in device.problem and device.problem == log[0]
    starts = client.times("attributes")
    waits = [b - a for a, b in zip(starts, starts[1:])]
    assert waits == [750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000]
    assert len(log) <= 3
    client.observations[-1].notify(0)
    world.pass_ms(60_000)
    client.observations[-1].notify(1)
    world.pass_ms(0)
    assert device.problem is None
    # One that lived for a minute is begun anew at once.
    client.observations[-1].put(ResponseError(Message(0x42)))
    world.pass_ms(1000)
    assert client.times("attributes")[len(starts) :] == [starts[-1] + 60_750]


@session(keepalive_ms=0, reregister_ms=10_000_000)
def test_a_wrong_access_token_is_asked_for_again_after_minutes(world, client, device, log):
    world.pass_ms(0)
    for observation in client.observations[:2]:
        observation.put(ResponseError(Message(0x81)))
    world.pass_ms(200_000)
    assert client.times("register") == [0, 0]
    world.pass_ms(40_000)
    assert set(client.times("register")) == {0, 232_000}
    # The name may lead to another server by now.
    assert set(client.times("reconnect")) == {225_000}


@session()
def test_a_notification_that_is_no_json_costs_that_registration_only(world, client, device, log):
    world.pass_ms(0)
    client.observations[0].notify(0, b'{"a":')
    world.pass_ms(1000)
    assert client.observations[0].cancelled and "TransferError" in log[0]
    client.observations[-1].notify(0, b'{"a":1}')
    world.pass_ms(0)
    assert device.shared == {"a": 1}


@session(keepalive_ms=0)
def test_a_server_that_answers_nonsense_is_asked_ever_more_rarely(world, client, device, log):
    world.pass_ms(0)
    for _ in range(8):
        client.observations[-1 if len(client.observations) > 2 else 0].notify(0, b"xx")
        world.pass_ms(60_000)
    starts = client.times("attributes")
    assert starts[:6] == [0, 750, 61_500, 123_000, 186_000, 252_000]
    assert all([observation.cancelled for observation in client.observations[2:-1]])


@session()
def test_commands_do_not_wait_for_each_other(world, client, device, log):
    world.pass_ms(0)

    async def slow(params):
        await asyncio.sleep_ms(params)
        return {"slept": params}

    device.on_rpc("slow", slow)
    commands = client.observations[1]
    commands.notify(0, b"")
    for n, ms in enumerate((900, 10)):
        text = '{"id":%d,"method":"slow","params":%d}' % (n, ms)
        commands.notify(n + 1, text.encode())
    world.pass_ms(1000)
    assert client.payloads == [b'{"slept":10}', b'{"slept":900}']


@session()
def test_commands_may_come_in_any_order_but_attributes_not(world, client, device, log):
    world.pass_ms(0)
    assert [(it.path, it.ordered) for it in client.observations] == [
        (("api", "v1", "TOK", "attributes"), True),
        (("api", "v1", "TOK", "rpc"), False),
    ]


@session()
def test_an_empty_command_answers_the_registration_only(world, client, device, log):
    world.pass_ms(0)
    client.observations[1].notify(0, b"")
    world.pass_ms(1000)
    assert client.payloads == [] and log == []


@session()
def test_what_cannot_begin_is_tried_again(world, client, device, log):
    client.answers = failing("observe", [OSError(errno.EHOSTUNREACH) for _ in range(5)])
    world.pass_ms(20_000)
    assert len(client.observations) == 2 and len(log) >= 1
    assert device.problem


@session()
def test_an_error_that_nobody_foresaw_ends_nothing(world, client, device, log):
    world.pass_ms(0)
    client.answers = failing("register rpc", [MemoryError()])
    world.pass_ms(60_000)
    assert device.session.faults == 1 and "session: MemoryError" in log[0]
    # The sign of life at 12.5 s ended the job, which began again a second later.
    assert client.times("rpc") == [0, 26_000, 51_000]


@session(keepalive_ms=0)
def test_a_bug_of_the_application_costs_that_notification(world, client, device, log):
    def bug(changed, deleted):
        raise TypeError("x")

    device.on_attributes(bug)
    world.pass_ms(0)
    client.observations[0].notify(0, b'{"a":1}')
    world.pass_ms(0)
    assert log == ["attributes: TypeError x"] and device.shared == {"a": 1}


class EndlessUpdater:
    """What jobs.run() needs of an Updater: run() until cancelled."""

    def __init__(self):
        self.runs = 0

    async def run(self):
        self.runs += 1
        await asyncio.Event().wait()


updater = EndlessUpdater()


@session(updater=updater)
def test_an_updater_runs_beside_it(world, client, device, log):
    world.pass_ms(1000)
    assert updater.runs == 1


@session(keepalive_ms=0)
def test_without_keepalive_it_sleeps_until_the_registration(world, client, device, log):
    world.pass_ms(299_000)
    assert [what for _, what, _ in client.done] == ["register", "register", "request"]


@session(keepalive_ms=0)
def test_a_server_that_keeps_refusing_may_be_found_at_another_address(world, client, device, log):
    world.pass_ms(0)
    client.answers = failing("telemetry", [ResponseError(Message(0x85)) for _ in range(9)])
    device.record({"t": 1})
    world.pass_ms(400_000)
    refused = client.times("telemetry")
    assert client.times("reconnect") == [refused[8] - 7000]  # before the ninth try
    assert len(device.outbox) == 0 and device.problem is None


@session()
def test_a_command_for_whose_task_memory_is_short_takes_no_place(world, client, device, log):
    world.pass_ms(0)
    device.on_rpc("m", lambda params: {"n": params})
    command = b'{"id":1,"method":"m","params":1}'
    real = asyncio.create_task

    def short(coroutine):
        coroutine.close()
        asyncio.create_task = real
        raise MemoryError

    for _ in range(9):
        asyncio.create_task = short
        try:
            client.observations[-1].notify(0, command)
            world.pass_ms(0)
        finally:
            asyncio.create_task = real
        world.pass_ms(60_000)
    client.observations[-1].notify(0, command)
    world.pass_ms(0)
    assert client.payloads[-1] == b'{"n":1}' and device.commands.refused == 0
    assert device.session.faults == 9 and "MemoryError" in device.session.last_fault
