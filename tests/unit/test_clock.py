# Unix time on boards that do not know it.

from coap.message import Message
from fakes import Board, Client, run
from rows import rows
from thingsboard.clock import Clock

NOW = 1_790_000_000  # seconds; beyond 2**30, so a board would allocate it


def test_unknown_until_told():
    ticks = Board(now=5000)
    clock = Clock(ticks)
    assert clock.now_ms() is None and clock.at(0) is None
    ticks.now = 6500
    assert clock.uptime_ms() == 1500
    clock.set(NOW * 1000)
    assert clock.now_ms() == NOW * 1000
    assert clock.at(0) == NOW * 1000 - 1500
    ticks.now = 6501
    assert clock.now_ms() == NOW * 1000 + 1


def test_the_servers_time():
    clock = Clock(Board(unix_s=1609459200))  # RP2 starts in 2021
    client = Client(Message(0x45, NOW.to_bytes(4, "big")))
    run(clock.sync(client))
    assert client.requests == [(1, "efento/t", b"")]
    assert abs(clock.now_ms() - NOW * 1000) <= 500


@rows(1970, 2000)
def test_the_boards_time_when_it_was_set(epoch):
    clock = Clock(Board(epoch, NOW))
    client = Client()
    run(clock.sync(client))
    assert clock.now_ms() == NOW * 1000
    assert client.requests == []


def test_an_esp32_at_its_start_is_not_set():
    clock = Clock(Board(2000))
    client = Client(Message(0x45, NOW.to_bytes(4, "big")))
    run(clock.sync(client))
    assert abs(clock.now_ms() - NOW * 1000) <= 500


def test_ticks_wrap():
    ticks = Board(now=(1 << 30) - 1000)
    clock = Clock(ticks)
    clock.set(NOW * 1000)
    for day in range(1, 40):
        ticks.now += 86_400_000
        assert clock.now_ms() == NOW * 1000 + day * 86_400_000
        assert clock.uptime_ms() == day * 86_400_000
