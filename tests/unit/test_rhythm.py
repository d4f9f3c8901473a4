# What a device that sleeps counts through its sleeps.

from coap.message import Message
from fakes import Board, Client, run
from hardware import Hardware
from rows import rows
from thingsboard.clock import Clock

HOUR = 3600_000
KEPT = (
    "uptime_ms start_ms looked_ms refused_since rate interval_ms born dropped failures message_id"
)
NOW = 1_790_000_000_000


loaded = []  # the module, once: a start is not what is looked at here


def rhythm(kept=None, every=6, interval_ms=600_000):
    if not loaded:
        with Hardware() as board:
            loaded.append(board.load("app.sleeping"))
    return loaded[0].Rhythm(every, interval_ms, kept)


def slept(one, awake_ms=2000):
    """Return the Rhythm of the next start."""
    one.born = one.born or 0
    one.sleep_ms(one.uptime_ms + awake_ms)
    return rhythm(one.keep(), one.report_every, 1)


def test_what_it_knows_goes_on():
    one = rhythm()
    assert not one.woken
    one.uptime_ms = 12 * HOUR
    one.start_ms = NOW
    one.looked_ms = 11 * HOUR
    one.refused_since = 10 * HOUR
    one.rate = -1234
    one.interval_ms = 86_400_000
    one.born = 70_000
    one.measured = 5
    one.dropped = 7
    one.failures = 2
    one.message_id = 65_535
    again = rhythm(one.keep(), interval_ms=1)
    assert again.woken
    for name in KEPT.split():
        assert getattr(again, name) == getattr(one, name), name


@rows(none=None, empty=b"", foreign=b"x" * 63, zeros=bytes(63), long=bytes(2048))
def test_what_is_not_its_own_is_nothing(kept):
    one = rhythm(kept)
    assert not one.woken and one.is_due() and one.interval_ms == 600_000


def test_every_bit_counts():
    one = rhythm()
    one.born = 3
    kept = bytearray(one.keep())
    for i in range(len(kept)):
        kept[i] ^= 1
        assert not rhythm(bytes(kept)).woken
        kept[i] ^= 1
    assert rhythm(bytes(kept)).woken


@rows((1, 1), (2, 2), (6, 6))
def test_every_nth_measurement_is_reported(every, n):
    one = rhythm(every=every)
    assert one.is_due()
    one.reported(True)
    due = []
    for _ in range(4 * n):
        one = slept(one)
        due.append(one.is_due())
        one.measured += 1
        if due[-1]:
            one.reported(True)
    assert due == ([False] * (n - 1) + [True]) * 4


def test_a_server_that_is_away_is_asked_less_often_and_then_as_before():
    one = rhythm(every=2)
    waits = []
    for done in (False, False, False, False, False, True, True):
        one.reported(done)
        one = slept(one)
        wait = 1
        while not one.is_due():
            one.measured += 1
            wait += 1
        waits.append(wait)
    assert waits == [2, 4, 8, 8, 8, 2, 2]


@rows(
    short=(2000, 598_000),
    none=(0, 600_000),
    long=(601_000, 599_000),
    just=(599_500, 600_500),
    hours=(7 * HOUR + 1000, 599_000),
)
def test_it_is_awake_again_at_a_multiple_of_the_interval(awake_ms, expected):
    one = rhythm()
    one.uptime_ms = 5 * HOUR
    assert one.sleep_ms(5 * HOUR + awake_ms) == expected
    assert one.uptime_ms == 5 * HOUR + awake_ms + expected


@rows(fast=-50_000, slow=30_000, exact=0)
def test_how_long_the_sleeps_really_are_is_learned(ppm):
    one = rhythm()
    true_ms = 0  # uptime as the server has it
    errors = []
    for _ in range(10):
        one.looked(one.uptime_ms, NOW + true_ms - one.uptime_ms)
        before = one.uptime_ms
        for _ in range(6):
            one = slept(one, 0)
            asked_ms = rhythm(one.keep()).interval_ms * 1_000_000 // (1_000_000 + one.rate)
            true_ms += asked_ms + asked_ms * ppm // 1_000_000
        errors.append(abs(one.start_ms + one.uptime_ms - NOW - true_ms))
        assert one.uptime_ms - before == HOUR
    assert errors[0] == abs(HOUR * ppm // 1_000_000) or ppm == 0
    assert errors[-1] < 1000


def test_a_look_too_soon_teaches_nothing():
    one = rhythm()
    one.looked(0, NOW)
    one.uptime_ms = 600_000
    one.looked(600_000, NOW + 1000)
    assert one.rate == 0 and one.start_ms == NOW + 1000


def test_a_jump_of_the_servers_time_teaches_nothing_of_the_sleeps():
    one = rhythm()
    one.looked(0, NOW)
    for ahead in (24 * HOUR, -24 * HOUR, HOUR // 9):
        one.uptime_ms += HOUR
        one.looked(one.uptime_ms, one.start_ms + ahead)
    assert one.rate == 0 and one.start_ms == NOW + HOUR // 9
    one.uptime_ms += HOUR
    one.looked(one.uptime_ms, one.start_ms + HOUR // 20)
    assert one.rate == 25_000


def test_no_sleep_is_shorter_than_a_second():
    one = rhythm(interval_ms=100)
    assert one.sleep_ms(50) == 1050


def test_a_clock_goes_on_and_takes_the_drift_of_the_sleep_for_no_jump():
    clock = Clock(Board(now=300))
    clock.resume(6 * HOUR, NOW, 6 * HOUR)
    assert clock.now_ms() == NOW + 6 * HOUR and clock.uptime_ms() == 6 * HOUR
    clock._take(NOW + 36 * 60_000, False)  # a tenth
    assert clock.at(0) == NOW + 36 * 60_000
    clock._take(NOW, False)  # it was looked at since: that is a jump
    assert clock.at(0) is None


@rows(1970, 2000)
def test_after_a_sleep_the_servers_clock_counts_and_not_the_boards(epoch):
    board = Board(epoch, unix_s=NOW // 1000 + 6 * 3600 + 40)  # 40 s ahead
    clock = Clock(board)
    clock.resume(6 * HOUR, NOW + 40_000, 6 * HOUR)
    server_s = NOW // 1000 + 6 * 3600
    run(clock.sync(Client(Message(0x45, server_s.to_bytes(4, "big")))))
    assert abs(clock.at(0) - NOW) <= 500


def test_a_jump_that_no_sleep_explains_is_doubted():
    clock = Clock(Board())
    clock.resume(6 * HOUR, NOW, 6 * HOUR)
    clock._take(NOW + 40 * 60_000, False)
    assert clock.at(0) is None
