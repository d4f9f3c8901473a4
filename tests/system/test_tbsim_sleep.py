"""When the simulator takes a device in a power-saving mode for asleep, with a clock of our own."""

import pytest

from tools.tbsim.api.sleep import Sleep
from tools.tbsim.model.devices import Profile
from tools.tbsim.model.store import Store


@pytest.fixture
def sleep(clock):
    return Sleep(lambda: clock.now)


def device(mode):
    store = Store()
    return store.add_device("d", profile=Profile("p", power_mode=mode, activity_ms=2000))


def test_a_device_without_power_saving_never_sleeps(sleep, clock):
    awake = device("DRX")
    sleep.heard(awake)
    clock.now += 1_000_000
    assert not sleep.sleeps(awake)


@pytest.mark.parametrize("mode", ["PSM", "E_DRX"])
def test_who_was_never_heard_is_taken_for_awake(sleep, clock, mode):
    unheard = device(mode)
    clock.now += 1_000_000
    assert not sleep.sleeps(unheard)


def test_a_psm_device_sleeps_after_its_activity_time(sleep, clock):
    psm = device("PSM")
    sleep.heard(psm)
    clock.now += 2
    assert not sleep.sleeps(psm)
    clock.now += 0.001
    assert sleep.sleeps(psm)
    sleep.heard(psm)
    assert not sleep.sleeps(psm)


def test_an_edrx_device_gets_one_downlink_more(sleep, clock):
    edrx = device("E_DRX")
    sleep.heard(edrx)
    clock.now += 3
    assert not sleep.sleeps(edrx)
    sleep.reached(edrx)
    assert sleep.sleeps(edrx)
    sleep.heard(edrx)
    clock.now += 3
    assert not sleep.sleeps(edrx)


def test_changes_are_merged_and_only_the_last_deletion_is_kept(sleep):
    psm = device("PSM")
    sleep.hold(psm, {"a": 1, "b": 1}, [])
    sleep.hold(psm, {}, ["x"])
    sleep.hold(psm, {"a": 2}, [])
    sleep.hold(psm, {}, ["y"])
    change = sleep.release(psm)
    assert change.updated == {"a": 2, "b": 1} and change.deleted == ["y"]
    assert sleep.release(psm) is None


def test_a_restart_forgets_who_sleeps_and_what_was_held_back(sleep, clock):
    psm = device("PSM")
    sleep.heard(psm)
    sleep.hold(psm, {"a": 1}, [])
    clock.now += 3
    assert sleep.sleeps(psm)
    sleep.forget()
    assert not sleep.sleeps(psm) and sleep.release(psm) is None
