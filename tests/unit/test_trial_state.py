# The file trial.state: what is in it, and what follows when it is lost or not to be believed.

import json
import os
from binascii import crc32

from boots import FACTORY, FullOS, boot, confirmed, install, new_board, runs
from trial import Trial
from updates import empty_root, header, manifest, read, write


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
    package["id"] = crc32(m["header"])
    assert stored_state(root) == {"app": {"run": package, "floor": 7}, "firmware": {}}
    factory = {"slot": FACTORY, "id": 0, "title": "", "version": "", "sequence": 0}
    record = {"run": package, "back": factory, "on_trial": False, "tries": 0, "floor": 7}
    record.update({"aside": False, "beaten": 0, "error": "", "failed": 0, "reason": ""})
    trial, _ = boot(root)
    assert trial.state["app"] == record
    record.update({"run": factory, "floor": 0})
    assert trial.state["firmware"] == record
    write_state(root, trial.state)  # every field is written out
    assert boot(root)[0].state == trial.state


def test_a_state_of_two_applications_is_short():
    # LittleFS keeps up to 512 bytes in the folder; these need no free block of a full flash.
    root = new_board()
    assert len(read(root, "trial.state")) <= 32
    confirmed(root, "slot_a", version="1.10.2", sequence=1234)
    confirmed(root, "slot_b", version="1.10.3", sequence=1235)
    assert len(read(root, "trial.state")) <= 250
    m = install(root, "slot_a", version="1.11.0", sequence=1236)
    boot(root)[0].activate("app", "slot_a", m)
    for _ in range(4):
        trial, folder = boot(root)
        assert len(read(root, "trial.state")) <= 270
    assert folder == "slot_b" and trial.state["app"]["reason"]


def test_a_state_of_another_layout_counts_as_lost():
    # A list in the place of each record is the layout of the first drafts.
    packages = [["slot_b", 5, "thermo", "1.1", 2], ["factory", 0, "", "", 0]]
    drafts = packages + [True, 9, 9, "", [0, ""]]
    root = new_board()
    confirmed(root, "slot_a", version="1.0", sequence=1)
    good = json.dumps(boot(root)[0].state)
    foreign = [{"app": drafts, "firmware": drafts}, {"app": json.loads(good)["app"]}]
    for path in fields(json.loads(good)):
        for change in ("gone", "null", "other type", "one more"):
            state = json.loads(good)
            record = state
            for name in path[:-1]:
                record = record[name]
            if change == "gone":
                if len(path) == 2:
                    continue  # a field of a record that is left out is as on a new board
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
        assert runs(trial, "app") == ("thermo", "1.0")
    write_state(root, good)
    trial, folder = boot(root)
    assert folder == "slot_a" and not trial.unconfirmed()


def test_without_a_state_and_without_room_for_one():
    root = new_board()
    install(root, "slot_a")
    os.remove(root + "trial.state")
    assert Trial(FullOS(), root).start() == root + FACTORY
    assert boot(root)[1] == "slot_a"


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
        b"{}\n",
        b"{}\nx 1 2\n",
        b"[]\nx\n",
    ):
        write(root, "slot_a/PACKAGE", bytes(394) + text)
        assert boot(root)[1] == FACTORY, text
        os.remove(root + "trial.state")
    m = manifest([])
    for key, value in (("sequence", "9"), ("sequence", None), ("files", [["..", 1, "x"]])):
        write(root, "slot_b/PACKAGE", header(dict(m, **{key: value})))
        assert boot(root)[1] == FACTORY, value
        os.remove(root + "trial.state")
