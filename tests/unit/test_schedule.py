# What a session has to do at which time.

from chance import Chance
from rows import rows
from thingsboard.link import Schedule

START = 1_000_000
HOUR = 3_600_000


def middle(n):
    return n // 2  # registrations in the middle of their time


def last(n):
    return n - 1  # a first sign of life after the whole period


def schedule(keepalive_ms=25_000, reregister_ms=300_000, random=middle):
    return Schedule(START, keepalive_ms, reregister_ms, random)


def played(it, until, failing=()):
    """Do at once what is due; return [(job, ms since the start)]."""
    done = []
    while True:
        job, due = it.next()
        if due > until:
            return done
        done.append((job, due - START))
        it.begin(job, due)
        if job not in failing:
            it.done(job, due)


def test_the_first_minutes():
    done = played(schedule(), START + 305_000)
    assert done[0] == ("sync", 0) and ("register", 300_000) in done
    signs = [at for job, at in done if job == "alive"]
    assert signs == [12_500 + 25_000 * n for n in range(12)]


def test_the_time_is_looked_at_every_six_hours_or_a_minute_after_a_failure():
    it = schedule(keepalive_ms=0)
    syncs = [at for job, at in played(it, START + 13 * HOUR) if job == "sync"]
    assert syncs == [0, 6 * HOUR, 12 * HOUR]
    it = schedule(keepalive_ms=0)
    syncs = [at for job, at in played(it, START + 200_000, ("sync",)) if job == "sync"]
    assert syncs == [0, 60_000, 120_000, 180_000]


def test_without_keepalive_there_are_no_signs_of_life():
    assert "alive" not in [job for job, _ in played(schedule(keepalive_ms=0), START + HOUR)]


def test_a_failed_sign_of_life_is_tried_again_at_once():
    done = played(schedule(), START + 15_000, ("alive",))
    assert [at for job, at in done if job == "alive"] == [12_500, 13_500, 14_500]


@rows(earliest=(lambda n: 0, 0), latest=(last, 24_999))
def test_the_first_sign_of_life_comes_at_any_moment_of_its_period(random, first):
    done = played(schedule(random=random), START + 75_000)
    signs = [at for job, at in done if job == "alive"][:3]
    assert signs == [first, first + 25_000, first + 50_000]


def fleet(size):
    """Return the schedules of devices that were all switched on together."""
    chance = Chance(1)
    return [schedule(random=chance.below) for _ in range(size)]


def busiest(instants):
    """Return how many of some instants fall into the second that has most of them."""
    seconds = [ms // 1000 for ms in instants]
    return max([seconds.count(second) for second in set(seconds)])


def test_a_fleet_that_was_switched_on_together_does_not_speak_together():
    done = [played(it, START + 100_000) for it in fleet(500)]
    signs = [at for device in done for job, at in device if job == "alive"]
    assert len(signs) == 2000 and busiest(signs) < 3 * 2000 // 100


def test_a_fleet_that_lost_its_server_comes_back_spread_over_the_time_that_it_is_given():
    returned = START + 100_000
    back = []
    for it in fleet(500):
        played(it, returned)
        it.register_soon(returned, 5000)
        done = played(it, returned + 6000)
        back += [at - 100_000 for job, at in done if job == "register"]
    assert len(back) == 500 and max(back) <= 5000 and busiest(back) < 150


@rows(earliest=(lambda n: 0, 270_000), latest=(lambda n: n - 1, 330_000))
def test_registrations_are_spread_by_a_tenth_each_way(random, period):
    done = played(schedule(random=random), START + 331_000)
    assert [at for job, at in done if job == "register"] == [period]


def test_after_a_recovery_all_is_registered_soon_but_not_at_once_again():
    it = schedule(random=last)
    it.register_soon(START, 0)
    done = played(it, START + 24_000)
    assert done == [("sync", 0), ("register", 10_000)]
    it.register_soon(START + 11_000, 0)
    it.register_soon(START + 12_000, 0)
    assert ("register", 20_000) in played(it, START + 24_000)
    later = START + 200_000
    played(it, later)
    it.register_soon(later, 0)
    assert it.next() == ("register", later)
    it.register_soon(later, 4000)  # it is due already
    assert it.next() == ("register", later)


@rows(earliest=(lambda n: 0, 0), latest=(last, 4000))
def test_after_a_silence_all_is_registered_at_random_within_a_time(random, ms):
    it = schedule(0, random=random)
    later = START + 200_000
    played(it, later)
    it.register_soon(later, 4000)
    assert it.next() == ("register", later + ms)


def test_a_look_at_the_time_that_failed_waits_for_no_minute_once_there_is_a_way():
    # The Wi-Fi is joined after the first try, and no record goes out without the time.
    it = schedule(keepalive_ms=0)
    played(it, START + 600, ("sync",))
    it.register_soon(START + 700, 0)
    assert played(it, START + 1000) == [("sync", 700)]
    it.register_soon(START + 30_000, 0)  # it has gone well: the next one is in six hours
    assert "sync" not in [job for job, _ in played(it, START + HOUR)]


def test_a_registration_that_fails_is_tried_again():
    done = played(schedule(keepalive_ms=0), START + 302_000, ("register",))
    assert [at for job, at in done if job == "register"] == [300_000, 301_000, 302_000]


def test_an_observation_is_looked_at_once_a_second_after_the_last_news():
    it = schedule(random=last)
    it.done("sync", START)
    it.look("attributes", START)
    it.look("rpc", START + 200)
    it.look("attributes", START + 900)
    done = played(it, START + 24_000)
    assert done == [("rpc", 1200), ("attributes", 1900)]
    it.look("rpc", START + 24_000)
    done = played(it, START + 27_000, ("rpc",))
    assert done == [("alive", 24_999), ("rpc", 25_000), ("rpc", 26_000), ("rpc", 27_000)]
