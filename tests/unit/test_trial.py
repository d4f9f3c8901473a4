# Which application runs: each test is a row of boots.

import os

from boots import (
    FACTORY,
    FullOS,
    boot,
    confirmed,
    ends_trial,
    install,
    new_board,
    nothing_failed,
    runs,
    why_it_failed,
)
from trial import Trial
from updates import digest, empty_root, header, manifest, read, write


def test_a_new_board_runs_the_factory_copy():
    root = new_board()
    trial, folder = boot(root)
    assert folder == FACTORY and trial.spare == "slot_a"
    assert not trial.unconfirmed() and not ends_trial(trial, "app")
    assert os.listdir(root) == ["trial.state"]


def test_a_complete_folder_does_not_run_before_it_is_activated():
    root = new_board()
    install(root, "slot_a")
    assert boot(root)[1] == FACTORY


def test_a_package_is_confirmed():
    root = new_board()
    m = install(root, "slot_a")
    trial, _ = boot(root)
    trial.activate("app", "slot_a", m)
    trial, folder = boot(root)
    assert folder == "slot_a" and trial.spare == "slot_b" and trial.unconfirmed()
    assert ends_trial(trial, "app")
    assert not trial.unconfirmed() and not ends_trial(trial, "app")
    for _ in range(5):
        assert boot(root)[1] == "slot_a"
    assert sorted(os.listdir(root)) == ["slot_a", "trial.state"]


def test_three_tries_then_the_one_before():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    m = install(root, "slot_b", version="1.1", sequence=2)
    boot(root)[0].activate("app", "slot_b", m)
    for _ in range(3):
        assert boot(root)[1] == "slot_b"
    trial, folder = boot(root)
    assert folder == "slot_a" and trial.spare == "slot_b" and not trial.unconfirmed()
    for _ in range(2):
        assert why_it_failed(trial, "app", m) == "it hung"
        trial, _ = boot(root)


def test_the_reason_of_a_crash_is_kept():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(3):
        trial, _ = boot(root)
        trial.crashed("ImportError: no module named 'x'" + "y" * 500)
    trial, folder = boot(root)
    assert folder == FACTORY
    reason = trial.state["app"]["reason"]
    assert reason.startswith("ImportError: no module named 'x'") and len(reason) == 200


def test_an_interruption_is_no_try():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(10):
        trial, folder = boot(root)
        assert folder == "slot_a"
        trial.interrupted()
    assert boot(root)[1] == "slot_a"


def test_an_interruption_of_a_confirmed_application_writes_nothing():
    root = new_board()
    confirmed(root, "slot_a")
    before = read(root, "trial.state")
    boot(root)[0].interrupted()
    assert read(root, "trial.state") == before


def test_confirmation_raises_the_floor_and_never_lowers_it():
    root = new_board()
    confirmed(root, "slot_a", sequence=7)
    assert boot(root)[0].state["app"]["floor"] == 7
    m = install(root, "slot_b", version="0.9", sequence=3)
    boot(root)[0].activate("app", "slot_b", m)
    boot(root)[0].confirm("app")
    assert boot(root)[0].state["app"]["floor"] == 7


def test_an_activation_is_not_confirmed_by_the_one_who_made_it():
    root = new_board()
    m = install(root, "slot_a", sequence=9)
    trial, _ = boot(root)
    trial.activate("app", "slot_a", m)
    assert not ends_trial(trial, "app")
    trial, _ = boot(root)
    assert trial.unconfirmed() and trial.state["app"]["floor"] == 0


def test_a_confirmed_application_stays_however_it_ends():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    confirmed(root, "slot_b", version="1.1", sequence=2)
    state = read(root, "trial.state")
    for _ in range(20):
        trial, folder = suspect_boot(root)
        assert folder == "slot_b" and runs(trial, "app") == ("thermo", "1.1")
        trial.crashed("MemoryError")
        trial.unreached()
        trial.interrupted()
    assert read(root, "trial.state") == state  # and no flash was worn
    assert nothing_failed(trial, "app")


def on_trial(root):
    """A confirmed 1.0 in slot_a; 1.1 in slot_b, on trial from the next start on; its manifest."""
    confirmed(root, "slot_a", version="1.0", sequence=1)
    m = install(root, "slot_b", version="1.1", sequence=2)
    boot(root)[0].activate("app", "slot_b", m)
    return m


def test_an_outage_is_nobodys_fault():
    root = new_board()
    on_trial(root)
    for n in range(20):  # the server is away: they take turns
        trial, folder = boot(root)
        assert folder == ("slot_b", "slot_a")[n % 2] and trial.unconfirmed()
        trial.unreached()
    trial, folder = boot(root)
    assert folder == "slot_b" and ends_trial(trial, "app") and nothing_failed(trial, "app")
    assert boot(root)[1] == "slot_b" and not boot(root)[0].unconfirmed()


def test_the_factory_copy_has_its_turn_as_well():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for folder in ("slot_a", FACTORY, "slot_a", FACTORY):
        trial, runs_now = suspect_boot(root)
        assert runs_now == folder and trial.unconfirmed()
        trial.unreached()
    trial, _ = boot(root)
    assert ends_trial(trial, "app") and nothing_failed(trial, "app")


def test_a_server_that_comes_back_in_the_turn_of_the_release_before():
    root = new_board()
    m = on_trial(root)
    boot(root)[0].unreached()
    trial, folder = boot(root)
    assert folder == "slot_a" and trial.confirm("app") is True  # reset now: one more chance
    assert nothing_failed(trial, "app")
    trial, folder = boot(root)
    assert folder == "slot_b" and trial.unconfirmed()
    assert ends_trial(trial, "app")
    assert trial.state["app"]["beaten"] == 0 and why_it_failed(trial, "app", m) is None


def test_the_release_before_reaches_the_server_twice_and_this_one_never():
    root = new_board()
    m = on_trial(root)
    boot(root)[0].unreached()
    assert boot(root)[0].confirm("app") is True
    trial, folder = boot(root)
    assert folder == "slot_b"
    trial.unreached()
    trial, folder = boot(root)
    assert folder == "slot_a" and not trial.confirm("app") and not trial.unconfirmed()
    assert why_it_failed(trial, "app", m) == "the release before reached the server"
    trial, folder = boot(root)
    assert folder == "slot_a" and runs(trial, "app") == ("thermo", "1.0")
    assert trial.state["app"]["floor"] == 1


def test_a_crash_in_the_turn_of_the_release_before_is_no_try():
    root = new_board()
    on_trial(root)
    boot(root)[0].unreached()
    for _ in range(7):
        trial, folder = suspect_boot(root)
        assert folder == "slot_a"
        trial.crashed("MemoryError")
        trial.interrupted()
    trial.unreached()
    trial, folder = boot(root)
    assert folder == "slot_b" and trial.state["app"]["tries"] == 1


def test_the_release_before_is_damaged_when_its_turn_comes():
    root = new_board()
    on_trial(root)
    boot(root)[0].unreached()
    write(root, "slot_a/main.mpy", b"rotten")
    trial, folder = boot(root)
    assert folder == "slot_b" and trial.unconfirmed() and nothing_failed(trial, "app")


def test_power_cuts_are_no_tries():
    root = new_board()
    on_trial(root)
    for _ in range(10):
        trial = Trial(os, root)
        assert trial.start(power_on=True) == root + "slot_b"
    assert trial.state["app"]["tries"] == 1 and ends_trial(trial, "app")


def test_reaching_the_server_forgives_crashes():
    root = new_board()
    confirmed(root, "slot_a")
    for _ in range(8):
        trial, folder = boot(root)
        assert folder == "slot_a"
        trial.crashed("OSError")
        trial, _ = boot(root)
        assert not ends_trial(trial, "app")


def test_a_try_that_cannot_be_counted_is_not_made():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(4):
        trial = Trial(FullOS(), root)
        assert trial.start() == root + FACTORY and trial.spare == "slot_a"
        trial.confirm("app")
        assert not trial.unconfirmed() and trial.state["app"]["run"]["slot"] == FACTORY
    assert boot(root)[1] == "slot_a"  # there is room again


def suspect_boot(root):
    """Start after the watchdog bit; return (Trial, name of the folder that runs)."""
    trial = Trial(os, root)
    return trial, trial.start(True)[len(root) :]


def test_damage_is_looked_for_after_the_watchdog_bit():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    confirmed(root, "slot_b", version="1.1", sequence=2)
    state = read(root, "trial.state")
    for _ in range(5):  # what is whole stays, and nothing is written
        assert suspect_boot(root)[1] == "slot_b"
    assert read(root, "trial.state") == state
    write(root, "slot_b/main.mpy", b"rotten")
    trial, folder = suspect_boot(root)
    assert folder == "slot_a" and trial.spare == "slot_b"
    assert nothing_failed(trial, "app")  # the package may come again
    assert trial.state["app"]["floor"] == 2 and not trial.unconfirmed()
    assert boot(root)[1] == "slot_a"


def test_damage_that_crashes_is_no_failed_package():
    root = new_board()
    confirmed(root, "slot_a")
    write(root, "slot_a/main.mpy", b"rotten")
    for _ in range(3):
        trial, folder = boot(root)
        assert folder == "slot_a"
        trial.crashed("ValueError: incompatible .mpy file")
    trial, folder = suspect_boot(root)
    assert folder == FACTORY and nothing_failed(trial, "app")


def test_the_factory_copy_is_not_suspected():
    root = new_board()
    for _ in range(5):
        assert suspect_boot(root)[1] == FACTORY


def test_the_watchdog_on_trial():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(3):
        assert suspect_boot(root)[1] == "slot_a"
    trial, folder = suspect_boot(root)
    assert folder == FACTORY and why_it_failed(trial, "app", m) == "it hung"


def test_going_back_needs_no_room():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    m = install(root, "slot_b", version="1.1")
    boot(root)[0].activate("app", "slot_b", m)
    for _ in range(3):
        assert boot(root)[1] == "slot_b"
    for _ in range(3):
        trial = Trial(FullOS(), root)
        assert trial.start() == root + "slot_a" and not trial.unconfirmed()
    assert boot(root)[1] == "slot_a" and boot(root)[1] == "slot_a"


def test_back_to_a_folder_that_is_no_more_what_it_was():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    confirmed(root, "slot_b", version="1.1", sequence=2)
    write(root, "slot_a/main.mpy", b"half a download")
    write(root, "slot_b/main.mpy", b"rotten")
    assert suspect_boot(root)[1] == FACTORY


def test_from_the_factory_copy_and_back_into_use():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(4):
        _, folder = boot(root)
    assert folder == FACTORY
    confirmed(root, "slot_b", version="1.2", sequence=3)
    assert boot(root)[1] == "slot_b"


def test_records_of_both_kinds():
    root = new_board()
    m = install(root, "slot_a")
    trial, _ = boot(root)
    trial.activate("firmware", "ota_1", m, tries=1)
    assert trial.unconfirmed() and boot(root)[1] == FACTORY
    trial, _ = boot(root)
    assert trial.unconfirmed() and not ends_trial(trial, "app") and ends_trial(trial, "firmware")
    trial.change("firmware", {"failed": m["id"], "reason": "why"})
    trial, _ = boot(root)
    assert why_it_failed(trial, "firmware", m) == "why"
    assert why_it_failed(trial, "app", m) is None and nothing_failed(trial, "app")


def test_a_change_is_in_flash_or_not_at_all():
    root = new_board()
    confirmed(root, "slot_a", sequence=7)
    trial = Trial(FullOS(), root)
    trial.start()
    try:
        trial.change("app", {"floor": 8})
    except OSError:
        assert trial.state["app"]["floor"] == 7
    else:
        raise AssertionError("no OSError")


def test_a_note_is_in_flash_with_the_next_change():
    root = new_board()
    trial, _ = boot(root)
    trial.note("firmware", {"floor": 5})
    assert trial.state["firmware"]["floor"] == 5
    assert boot(root)[0].state["firmware"]["floor"] == 0
    trial.change("app", {"floor": 6})
    state = boot(root)[0].state
    assert state["firmware"]["floor"] == 5 and state["app"]["floor"] == 6


def test_check_tells_how_much_is_there():
    root = empty_root()
    trial = Trial(os, root)
    assert trial.check("slot_a") == (None, 0)
    files = [("a", b"1" * 1000), ("b", b""), ("c", b"2" * 600)]
    data = header(manifest(files))
    os.mkdir(root + "slot_a")
    write(root, "slot_a/PACKAGE", data)
    assert trial.check("slot_a") == (None, 0)
    for n in (0, 1, 511, 512, 999, 1000):
        write(root, "slot_a/a", b"1" * n)
        assert trial.check("slot_a") == (None, n)
    write(root, "slot_a/b", b"")
    write(root, "slot_a/c", b"2" * 599)
    assert trial.check("slot_a") == (None, 1599)
    write(root, "slot_a/c", b"2" * 601)
    assert trial.check("slot_a") == (None, 1000)  # that file starts anew
    write(root, "slot_a/c", b"2" * 600)
    seen = []
    found, n = trial.check("slot_a", lambda buf: seen.append(bytes(buf)))
    assert n == 1600
    assert found.pop("id") != 0
    assert found == {"slot": "slot_a", "title": "thermo", "version": "1.1", "sequence": 2}
    assert b"".join(seen) == data + b"1" * 1000 + b"2" * 600


def test_digest_of_the_test_tools():
    assert digest(b"") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
