# What a session has to do at which time.

from rows import rows
from thingsboard.link import Schedule

START = 1_000_000
HOUR = 3_600_000


def middle(n):
    return n // 2  # no jitter


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
    assert [at for job, at in done if job == "alive"] == [25_000 * n for n in range(1, 13)]


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
    done = played(schedule(), START + 28_000, ("alive",))
    assert [at for job, at in done if job == "alive"] == [25_000, 26_000, 27_000, 28_000]


@rows(earliest=(lambda n: 0, 270_000), latest=(lambda n: n - 1, 330_000))
def test_registrations_are_spread_by_a_tenth_each_way(random, period):
    done = played(schedule(random=random), START + 331_000)
    assert [at for job, at in done if job == "register"] == [period]


def test_after_a_recovery_all_is_registered_soon_but_not_at_once_again():
    it = schedule()
    it.register_soon()
    done = played(it, START + 24_000)
    assert done == [("sync", 0), ("register", 10_000)]
    it.register_soon()
    it.register_soon()
    assert ("register", 20_000) in played(it, START + 24_000)
    later = START + 200_000
    played(it, later)
    it.register_soon()
    job, due = it.next()
    assert job == "register" and due <= later


def test_a_registration_that_fails_is_tried_again():
    done = played(schedule(keepalive_ms=0), START + 302_000, ("register",))
    assert [at for job, at in done if job == "register"] == [300_000, 301_000, 302_000]


def test_an_observation_is_looked_at_once_a_second_after_the_last_news():
    it = schedule()
    it.done("sync", START)
    it.look("attributes", START)
    it.look("rpc", START + 200)
    it.look("attributes", START + 900)
    done = played(it, START + 24_000)
    assert done == [("rpc", 1200), ("attributes", 1900)]
    it.look("rpc", START + 24_000)
    done = played(it, START + 27_000, ("rpc",))
    assert done == [("alive", 25_000), ("rpc", 25_000), ("rpc", 26_000), ("rpc", 27_000)]
