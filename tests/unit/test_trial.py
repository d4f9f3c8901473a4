# Which application runs: each test is a row of boots.

import json
import os
from binascii import crc32

from trial import Trial
from updates import digest, empty_root, header, manifest, read, write

FACTORY = "factory"


def install(root, slot, version="1.1", sequence=2, damaged=False):
    """Put a whole package into a folder, as a slot does; return its manifest."""
    content = b"code of " + version.encode()
    m = manifest([("main.mpy", content)], version=version, sequence=sequence)
    os.mkdir(root + slot)
    write(root, slot + "/PACKAGE", header(m))
    write(root, slot + "/main.mpy", b"bad" if damaged else content)
    m["header"] = read(root, slot + "/PACKAGE")
    return m


def nothing_failed(trial, kind):
    return trial.state[kind]["failed"] == {"id": 0, "reason": ""}


def boot(root):
    """Return (Trial, name of the folder that runs)."""
    trial = Trial(os, root)
    folder = trial.start()
    assert folder.startswith(root)
    return trial, folder[len(root) :]


def new_board():
    root = empty_root()
    boot(root)
    return root


def ends_trial(trial, kind):
    """Confirm what runs; return whether that ended a trial."""
    before = trial.state[kind]["on_trial"]
    trial.confirm(kind)
    return before and not trial.state[kind]["on_trial"]


def confirmed(root, slot, **package):
    """Install, activate, start and confirm a package."""
    m = install(root, slot, **package)
    boot(root)[0].activate("app", slot, m)
    trial, folder = boot(root)
    assert folder == slot and ends_trial(trial, "app")
    return m


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
        said = trial.objection("app", m)
        assert said == "it failed here before: it never reached the server"
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
    reason = trial.state["app"]["failed"]["reason"]
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


def test_a_confirmed_application_that_crashes_on_and_on():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    confirmed(root, "slot_b", version="1.1", sequence=2)
    for _ in range(3):
        trial, folder = boot(root)
        assert folder == "slot_b"
        trial.crashed("MemoryError")
    trial, folder = boot(root)
    assert folder == "slot_a" and trial.current("app") == ("thermo", "1.0")
    for _ in range(3):
        trial, folder = boot(root)
        assert folder == "slot_a"
        trial.crashed("MemoryError")
    trial, folder = boot(root)
    assert folder == FACTORY
    for _ in range(7):  # there is nothing behind it
        trial.crashed("MemoryError")
        trial, folder = boot(root)
        assert folder == FACTORY


def test_reaching_the_server_forgives_crashes():
    root = new_board()
    confirmed(root, "slot_a")
    for _ in range(8):
        trial, folder = boot(root)
        assert folder == "slot_a"
        trial.crashed("OSError")
        trial, _ = boot(root)
        assert not ends_trial(trial, "app")


class FullOS:
    """The module os of a file system that takes nothing new."""

    def rename(self, old, new):
        raise OSError(28)


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
    trial, folder = boot(root)
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
    assert folder == FACTORY and trial.objection("app", m).startswith("it failed here before")


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


def write_state(root, state):
    """Write a state file whose CRC32 is right; state is what it says as JSON, or text."""
    data = (state if isinstance(state, str) else json.dumps(state)).encode()
    write(root, "trial.state", data + crc32(data).to_bytes(4, "big"))


def stored_state(root):
    return json.loads(read(root, "trial.state")[:-4])


def fields(record, path=()):
    """Yield the path of every field in a record, those of packages as well."""
    for name in record:
        yield path + (name,)
        if isinstance(record[name], dict):
            yield from fields(record[name], path + (name,))


def test_a_state_that_is_no_state():
    for state in ("5", "{}", "[]", "null", "", "{", '{"app": 5, "firmware": []}', '{"app": [1]}'):
        root = new_board()
        write_state(root, state)
        assert boot(root)[1] == FACTORY


def test_the_state_is_what_the_documentation_says():
    root = new_board()
    m = confirmed(root, "slot_a", version="1.0", sequence=7)
    package = {"slot": "slot_a", "title": "thermo", "version": "1.0", "sequence": 7}
    package["id"] = int.from_bytes(m["header"][10:17], "big")
    factory = {"slot": FACTORY, "id": 0, "title": "", "version": "", "sequence": 0}
    record = {"run": package, "back": factory, "on_trial": False, "tries": 0, "floor": 7}
    record["error"] = "it never reached the server"
    record["failed"] = {"id": 0, "reason": ""}
    assert stored_state(root)["app"] == record
    record.update({"run": factory, "floor": 0, "error": ""})
    assert stored_state(root)["firmware"] == record


def test_a_state_of_another_layout_counts_as_lost():
    # A list in the place of each record is the layout of the first drafts.
    packages = [["slot_b", 5, "thermo", "1.1", 2], ["factory", 0, "", "", 0]]
    drafts = packages + [True, 9, 9, "", [0, ""]]
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    good = json.dumps(stored_state(root))
    foreign = [{"app": drafts, "firmware": drafts}, {"app": json.loads(good)["app"]}]
    for path in fields(json.loads(good)):
        for change in ("gone", "null", "other type", "one more"):
            state = json.loads(good)
            record = state
            for name in path[:-1]:
                record = record[name]
            if change == "gone":
                del record[path[-1]]
            elif change == "null":
                record[path[-1]] = None
            elif change == "one more":
                record["more"] = 1
            else:
                record[path[-1]] = [record[path[-1]]]
            foreign.append(state)
    assert len(foreign) > 100
    for state in foreign:
        write_state(root, state)
        trial, folder = boot(root)
        assert folder == "slot_a" and trial.unconfirmed(), state
        assert trial.current("app") == ("thermo", "1.0")
    write_state(root, good)
    trial, folder = boot(root)
    assert folder == "slot_a" and not trial.unconfirmed()


def test_without_a_state_and_without_room_for_one():
    root = new_board()
    install(root, "slot_a")
    os.remove(root + "trial.state")
    assert Trial(FullOS(), root).start() == root + FACTORY
    assert boot(root)[1] == "slot_a"


def test_back_to_a_folder_that_is_no_more_what_it_was():
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    confirmed(root, "slot_b", version="1.1", sequence=2)
    write(root, "slot_a/main.mpy", b"half a download")
    for _ in range(3):
        boot(root)[0].crashed("x")
    assert boot(root)[1] == FACTORY


def test_from_the_factory_copy_and_back_into_use():
    root = new_board()
    m = install(root, "slot_a")
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(4):
        _, folder = boot(root)
    assert folder == FACTORY
    confirmed(root, "slot_b", version="1.2", sequence=3)
    assert boot(root)[1] == "slot_b"


def lose(root, how):
    state = read(root, "trial.state")
    if how == "lost":
        os.remove(root + "trial.state")
    else:
        cut = {"empty": b"", "half": state[: len(state) // 2], "short": state[:3]}
        forged = state.replace(b"slot_b", b"../etc").replace(b"true", b"false")
        write(root, "trial.state", cut.get(how, forged))


def test_without_a_state_the_highest_sequence_that_verifies():
    for how in ("lost", "empty", "half", "short", "forged"):
        root = new_board()
        confirmed(root, "slot_a", version="1.0", sequence=1)
        confirmed(root, "slot_b", version="1.1", sequence=2)
        lose(root, how)
        trial, folder = boot(root)
        assert folder == "slot_b" and trial.unconfirmed(), how
        for _ in range(2):
            assert boot(root)[1] == "slot_b"
        trial, folder = boot(root)
        assert folder == "slot_a" and not trial.unconfirmed(), how


def test_without_a_state_a_damaged_folder_is_not_taken():
    for slots in (("slot_a", "slot_b"), ("slot_b", "slot_a")):
        root = empty_root()
        install(root, slots[0], version="1.1", sequence=2, damaged=True)
        assert boot(root)[1] == FACTORY
        install(root, slots[1], version="1.0", sequence=1)
        os.remove(root + "trial.state")
        for _ in range(3):
            assert boot(root)[1] == slots[1]
        assert boot(root)[1] == FACTORY


def test_without_a_state_strange_folders_do_no_harm():
    root = empty_root()
    os.mkdir(root + "slot_a")
    os.mkdir(root + "slot_b")
    for text in (
        b"",
        b"[]",
        b"{}",
        b'{"files": []}',
        b'{"files": [["x", 1, 2]]}',
        b'{"files": 1}',
    ):
        write(root, "slot_a/PACKAGE", bytes(394) + text)
        assert boot(root)[1] == FACTORY, text
        os.remove(root + "trial.state")
    m = manifest([])
    for key, value in (("sequence", "9"), ("sequence", None), ("files", [[5, 1, "x"]])):
        write(root, "slot_b/PACKAGE", header(dict(m, **{key: value})))
        assert boot(root)[1] == FACTORY, value
        os.remove(root + "trial.state")


def test_records_of_both_kinds():
    root = new_board()
    m = install(root, "slot_a")
    trial, _ = boot(root)
    trial.activate("firmware", "ota_1", m)
    assert trial.unconfirmed() and boot(root)[1] == FACTORY
    trial, _ = boot(root)
    assert trial.unconfirmed() and not ends_trial(trial, "app") and ends_trial(trial, "firmware")
    trial.activate("firmware", "ota_0", m)
    trial.withdraw("firmware", "why")
    trial, _ = boot(root)
    assert trial.objection("firmware", m) == "it failed here before: why"
    assert trial.objection("app", m) is None and nothing_failed(trial, "app")


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
