# Unix time on boards that do not know it.

import asyncio

from coap.message import Message
from fakes import Board, Client, raised, run
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


class Look:
    """A clock, its board, and a server: each look has what both tell, in seconds from NOW.

    board None: not set; server None: silent; or a Message. Between looks the ticks go on.
    """

    def __init__(self, epoch=1970):
        self.board = Board(epoch)
        self.clock = Clock(self.board)

    def __call__(self, board, server, after_ms=0, call=None):
        self.board.now += after_ms
        passed_s = self.board.now // 1000
        self.board.unix_s = 1609459200 if board is None else NOW + passed_s + board
        answer = server
        if server is None:
            answer = OSError(110)
        elif isinstance(server, int):
            answer = Message(0x45, (NOW + passed_s + server).to_bytes(4, "big"))
        return run((call or self.clock.sync)(Client(answer)))

    def wrong(self):
        """How many seconds the clock is ahead of NOW; None if it does not know."""
        now_ms = self.clock.now_ms()
        return now_ms if now_ms is None else now_ms // 1000 - NOW - self.board.now // 1000


HOUR = 3600
MINUTE_MS = 60_000


@rows(
    agree=(0, 0, 0, True),
    near=(5, 0, 5, True),
    zone=(2 * HOUR, 0, 0, True),
    zone_west=(-5 * HOUR + 3, 0, 0, True),
    zone_of_nepal=(5 * HOUR + 2700 - 20, 0, 0, True),
    the_widest_zone=(14 * HOUR, 0, 0, True),
    unset=(None, 0, 0, True),
    only_the_boards=(7, None, 7, False),
    no_such_resource=(7, Message(0x84), 7, False),
    neither_is_sure=(3 * HOUR + 420, 0, None, False),
    no_zone_is_so_wide=(15 * HOUR, 0, None, False),
)
def test_the_first_look(board, server, wrong, settled):
    for epoch in (1970, 2000):
        look = Look(epoch)
        assert look(board, server) == settled
        assert look.wrong() == wrong


@rows(b"", b"11", b"k" * 1200, (1609459200).to_bytes(4, "big"), bytes(3), b"9" * 30)
def test_what_is_no_time(body):
    answer = Message(0x45, body)
    look = Look()
    assert raised(ValueError, look, None, answer)
    assert look.wrong() is None
    look(None, 0)
    assert raised(ValueError, look, None, answer) and look.wrong() == 0


@rows(
    # What the board and the server tell in each look, a minute apart; what is known after it.
    sleep=[(None, 0, 0), (None, 3 * HOUR, None), (None, 3 * HOUR, 3 * HOUR)],
    once_more=[(None, 0, 0), (None, HOUR, None), (None, HOUR, HOUR), (None, 7200, 7200)],
    asleep_between_the_looks=[(None, 0, 0), (None, HOUR, None), (None, 2 * HOUR, 2 * HOUR)],
    sleep_with_a_clock=[(0, 0, 0), (HOUR, HOUR, HOUR)],
    sleep_with_a_wrong_clock=[(7200, 0, 0), (7200 + HOUR, HOUR, HOUR)],
    the_server_for_once=[(None, 0, 0), (None, HOUR, None), (None, 0, 0)],
    the_server_for_good=[(0, 0, 0), (0, HOUR, None), (0, HOUR, HOUR)],
    back_for_good=[(None, 0, 0), (None, -HOUR, None), (None, -HOUR, -HOUR)],
    ever_another=[(None, 0, 0), (None, -HOUR, None), (None, HOUR, 0)],
    the_board_alone=[(0, 0, 0), (7200, 0, 0), (7200, None, 0), (0, 0, 0)],
    in_silence=[(0, None, 0), (HOUR, None, None), (HOUR, None, HOUR), (HOUR, 0, None)],
    silence_in_doubt=[(None, 0, 0), (None, HOUR, None), (0, None, 0)],
    wrong_from_the_start=[(10_000, 0, None), (10_000, 0, 0)],
    drift=[(None, 0, 0), (None, 1, 0), (None, 20, 20), (None, 0, 0)],
)
def test_looks_one_after_the_other(looks):
    look = Look()
    for board, server, wrong in looks:
        look(board, server, MINUTE_MS)
        assert look.wrong() == wrong, (board, server, look.wrong())


def test_a_second_look_at_once_confirms_nothing():
    look = Look()
    look(None, 0)
    for ms in (0, 10_000, 19_000):
        assert look(None, HOUR, ms) is False and look.wrong() is None
    assert look(None, HOUR, 1000) and look.wrong() == HOUR


def test_before_telemetry_is_sent_the_time_is_looked_at_anew():
    look = Look()
    refresh = look.clock.refresh
    look(None, HOUR, 9000, refresh)
    assert look.wrong() is None  # sync() comes first
    look(None, 0)
    look(None, 10, 3000, refresh)
    assert look.wrong() == 0  # it was new enough
    look(None, 10, 1000, refresh)
    assert look.wrong() == 10
    look(None, None, 9000, refresh)
    look(None, 20, 9000, refresh)
    assert look.wrong() == 10  # after silence nothing waits for a look


def test_telemetry_waits_for_the_end_of_a_doubt():
    look = Look()
    board = look.board
    slept = []

    async def sleep_ms(ms):
        slept.append(ms)
        board.now += ms

    def server(payload):
        return Message(0x45, (NOW + HOUR + board.now // 1000).to_bytes(4, "big"))

    look(None, 0)
    board.now += 5000
    real, asyncio.sleep_ms = asyncio.sleep_ms, sleep_ms
    try:
        client = Client(server, server, server)
        run(look.clock.refresh(client))
    finally:
        asyncio.sleep_ms = real
    assert slept == [30_000] and len(client.requests) == 2 and look.wrong() == HOUR


def test_half_of_the_way_of_the_answer_is_counted():
    board = Board(unix_s=1609459200)
    clock = Clock(board)

    def late(payload):
        board.now += 10_000
        return Message(0x45, NOW.to_bytes(4, "big"))

    run(clock.sync(Client(late)))
    assert clock.now_ms() == NOW * 1000 + 500 + 5000


def test_ticks_wrap():
    ticks = Board(now=(1 << 30) - 1000)
    clock = Clock(ticks)
    clock.set(NOW * 1000)
    for day in range(1, 40):
        ticks.now += 86_400_000
        assert clock.now_ms() == NOW * 1000 + day * 86_400_000
        assert clock.uptime_ms() == day * 86_400_000
