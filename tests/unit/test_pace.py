# What a path takes: the size of datagrams and the round trip.

from coap.pace import Fit, RoundTrip
from rows import rows


def path(most, fit, number):
    # Use the size so often on a path that drops what is larger than most; return the sizes.
    sizes = []
    for _ in range(number):
        sizes.append(fit.size)
        if fit.size > most:
            fit.failed()
        else:
            fit.worked()
    return sizes


def test_two_failures_in_a_row_halve_down_to_the_smallest():
    assert path(0, Fit(), 9) == [1024, 1024, 512, 512, 256, 256, 128, 128, 128]


def test_one_failure_between_successes_changes_nothing():
    fit = Fit()
    for _ in range(10):
        fit.failed()
        fit.worked()
    assert fit.size == 1024


def test_after_an_outage_it_grows_again():
    fit = Fit()
    path(0, fit, 8)
    assert path(1024, fit, 13) == [128] * 4 + [256] * 4 + [512] * 4 + [1024]


@rows((600, 512), (300, 256), (1000, 512), (100, 128))
def test_trials_of_a_larger_size_become_rare(most, size):
    fit = Fit()
    path(most, fit, 400)
    sizes = path(most, fit, 1000)
    assert sizes.count(size) > 990
    if most >= size:
        assert max(sizes) == 2 * size  # it is tried still


def test_a_trial_that_works_makes_the_next_ones_early_again():
    fit = Fit()
    path(600, fit, 400)
    path(1024, fit, 300)
    assert fit.size == 1024
    path(600, fit, 2)
    assert path(1024, fit, 5) == [512] * 4 + [1024]


def test_a_round_trip_is_followed_at_once_when_it_is_long():
    trip = RoundTrip()
    assert trip.timeout_ms() == trip.patience_ms() == 0
    for _ in range(20):
        trip.measured(50)
    assert trip.timeout_ms() < 100
    trip.measured(25_000)
    assert 25_000 < trip.timeout_ms() <= 60_000


def test_a_steady_round_trip_leaves_a_quarter():
    trip = RoundTrip()
    for _ in range(100):
        trip.measured(24_000)
    assert 30_000 <= trip.timeout_ms() < 31_000
    assert 45_000 <= trip.patience_ms() < 47_000


def test_bounds_of_a_round_trip():
    trip = RoundTrip()
    for _ in range(9):
        trip.measured(200_000)
    assert trip.timeout_ms() == 60_000 and trip.patience_ms() == 90_000
