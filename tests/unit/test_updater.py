# The updater against a server that answers block by block as told, into real folders.

import os

from ota import BLOCK, FAULTS, PACKAGES, Life, assignment, scene
from rows import rows

SIZE = len(PACKAGES["1.1"])
BLOCKS = -(-SIZE // BLOCK)


@scene
def test_an_update(slept, server, root):
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    states = ["DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING"]
    assert server.values("sw_state") == states
    assert sorted(server.asked) == [("1.1", n) for n in range(BLOCKS)]
    life = Life(server, root)
    life.assign("1.1")
    assert life.runs() == "1.1"
    life.until(lambda: "UPDATED" in server.values("sw_state"))
    life.off()
    values = {"current_sw_title": "thermo", "current_sw_version": "1.1"}
    values["sw_state"] = "UPDATED"
    assert server.told[-1] == values
    assert len(server.asked) == BLOCKS and slept == []
    assert life.log == ["update: sw UPDATED: thermo 1.1"]


@scene
def test_how_an_assignment_ended_is_a_line(slept, server, root):
    life = Life(server, root)
    life.assign("1.1", {"checksum": "00"})
    assert refusals(life) == ["the checksum does not match"]
    assert life.log == ["update: sw FAILED: the checksum does not match"]
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    life = Life(server, root)
    life.assign("1.1", {"checksum": None})
    life.until(ticks=60)
    life.hear({})
    life.until(ticks=20)
    life.assign("1.1")
    life.until(lambda: len(life.log) > 1, ticks=60)
    assert life.log == ["update: sw UPDATED: thermo 1.1", "update: sw UPDATED: it runs already"]
    life.off()


@scene
def test_another_turn_of_an_update_is_a_line(slept, server, root):
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    Life(server, root).trial.unreached()
    life = Life(server, root)
    assert life.runs() == "" and life.until() and life.reset
    life.off()
    turn = "update: sw on trial: it has another turn, the release before has had its own"
    assert life.log == [turn]


@scene
def test_a_line_on_a_refusal_is_short(slept, server, root):
    life = Life(server, root)
    life.assign("1.1", {"version": 250 * "9"})
    assert len(refusals(life)) == 1
    assert life.log[0].startswith("update: sw FAILED: ") and len(life.log[0]) <= 200
    life.off()


def refusals(life, prefix="sw"):
    # The texts of what was refused, when the updater has nothing more to do for a while.
    server = life.server
    life.until(ticks=120)
    errors = server.values(prefix + "_error")
    assert server.values(prefix + "_state").count("FAILED") == len(errors)
    return errors


@rows(
    *[("size", value) for value in (str(SIZE), -1, -SIZE, 1, SIZE - 1, SIZE + 1, 1 << 40)],
    *[("size", value) for value in ([0], 1.5, True)],
    *[("title", value) for value in (5, True, ["thermo"], {"a": 1}, "other")],
    *[("version", value) for value in (1.1, True, ["1.1"], 250 * "9")],
    *[("checksum", value) for value in (5, True, ["00"], {"a": 1}, "00", "zz")],
    *[("url", value) for value in (5, True, ["coap://a/b"], "a/b", "http://a/b")],
    *[("url", value) for value in ("coap://a:b/c", "coap://a:99999/c", "coap://a/%")],
)
@scene
def test_attributes_of_wrong_types_are_refused_with_a_text(slept, server, root, name, value):
    async def connect(host, port):
        raise OSError(113)

    life = Life(server, root, connect=connect)
    life.hear(assignment("1.1", {name: value}))
    errors = refusals(life)
    assert len(errors) == 1 and errors[0], life.log
    # All but the checksum is known at once.
    assert name == "checksum" or len(server.asked) <= 3
    # Put right, it is installed at once.
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [] and Life(server, root).runs() == "1.1"


@rows(("size", None), ("size", 0), ("title", ""), ("version", None))
@scene
def test_an_assignment_that_is_not_complete_waits_for_more(slept, server, root, name, value):
    life = Life(server, root)
    life.assign("1.1", {name: value})
    assert refusals(life) == [] and len(server.told) == 1 and server.asked == []
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    assert slept == [] and Life(server, root).runs() == "1.1"


@rows(
    (None, "SHA256"),
    ("", "MD5"),
    (0, "CRC32"),
    ("00", None),
    ("00", "SHA384"),
    (5, ["SHA256"]),
    ("00", {"a": 1}),
    ("00", 5),
)
@scene
def test_checksums_that_are_taken_on_trust(slept, server, root, checksum, algorithm):
    life = Life(server, root)
    life.assign("1.1", {"checksum": checksum, "checksum_algorithm": algorithm})
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [] and Life(server, root).runs() == "1.1"
    trusted = ["%s is not checked: the signature decides" % (algorithm,)]
    assert life.log == (trusted if checksum else [])


@scene
def test_a_device_with_x509_is_told_why_it_gets_none(slept, server, root):
    life = Life(server, root)
    life.device.access_token = None
    life.assign("1.1")
    assert refusals(life) == ["X.509 devices get no package so; assign it by fw_url, coap://..."]
    assert not server.asked and Life(server, root).runs() == ""


@rows(1, 393, 394, 500)
@scene
def test_a_package_shorter_than_a_header_is_refused(slept, server, root, n):
    # The other folder holds a whole package, begun by this very start.
    life = Life(server, root)
    life.assign("1.1", {"checksum": "00"})
    assert refusals(life) == ["the checksum does not match"]
    server.packages["1.2"] = PACKAGES["1.2"][:n]
    life.assign("1.2", {"size": n, "checksum": None})
    errors = refusals(life)
    assert len(errors) == 2 and errors[1], life.log
    life.off()
    assert not life.reset and Life(server, root).runs() == ""


@rows(*[(fault, n) for fault in FAULTS if "another" not in fault for n in (0, BLOCKS - 1)])
@scene
def test_one_wrong_answer_costs_an_attempt_at_most(slept, server, root, fault, num):
    faults = [fault]
    server.fault = lambda version, n: faults.pop() if faults and n == num else None
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert Life(server, root).runs() == "1.1" and server.values("sw_error") == []
    # A later block is asked for again, after block 0, if it was not silence or a busy server.
    again = num and fault not in ("silence", "5.00", "memory")
    assert slept == ([] if again else [1000]) and server.asked.count(("1.1", 0)) == 2
    assert len(server.asked) <= BLOCKS + 6


@rows(*[(fault, n) for fault in ("another block", "another version") for n in (0, 2, 4)])
@scene
def test_bytes_that_belong_elsewhere_are_found_before_activation(
    slept, server, root, fault, block
):
    server.fault = lambda version, n: fault if (version, n) == ("1.1", block) else None
    life = Life(server, root)
    life.assign("1.1")
    errors = refusals(life)
    assert len(errors) == 1 and errors[0]
    life.assign("1.2")
    assert life.until() and life.reset
    life.off()
    assert Life(server, root).runs() == "1.2"


@scene
def test_a_busy_server_is_asked_ever_less_often(slept, server, root):
    busy = ["5.00"] * 60
    server.fault = lambda version, n: busy.pop() if busy else None
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    assert slept[:8] == [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]
    assert server.values("sw_error") == []
    # When all is settled it begins anew.
    server.window_limit = 1
    answers = ["5.00"]
    server.fault = lambda version, n: answers.pop(0) if answers else None
    life = Life(server, root)
    life.assign("1.2", {"checksum": "00"})
    assert refusals(life) == ["the checksum does not match"]
    answers.append("5.00")
    life.assign("1.3")
    assert life.until() and life.reset
    assert slept[-3:] == [60000, 1000, 1000]
    life.off()


@rows(*[(n, version) for n in (1, 4, 7) for version in ("1.2", "1.3")])
@scene
def test_a_new_assignment_in_mid_download_takes_its_place(slept, server, root, n, version):
    life = Life(server, root)
    server.then[n] = lambda: life.assign(version)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    assert Life(server, root).runs() == version and server.values("sw_error") == []


@rows(*range(1, BLOCKS + 1))
@scene
def test_a_package_for_the_other_slot_is_not_missed_while_one_is_refused(slept, server, root, n):
    life = Life(server, root)
    other = {"fw_title": "t", "fw_version": "1", "fw_size": 5}
    server.then[n] = lambda: life.hear(dict(other, **assignment("1.1", {"checksum": "00"})))
    life.assign("1.1", {"checksum": "00"})
    assert refusals(life) == ["the checksum does not match"]
    assert refusals(life, "fw") == ["this board takes no fw"]
    life.off()


@rows(*range(1, 6))
@scene
def test_what_the_slot_has_is_not_asked_for_again(slept, server, root, n):
    for end in (n, 99):
        life = Life(server, root)
        life.assign("1.1")
        life.until(lambda end=end: len(server.asked) > end)
        life.off()
    assert life.reset and server.values("sw_error") == slept == []
    # Asked for twice: the first block, and what was under way or not whole.
    assert len(server.asked) <= BLOCKS + 2 + server.window_limit
    assert Life(server, root).runs() == "1.1"


@rows(*[(window, n) for window in (1, 2, 3, 4) for n in (2, 5)])
@scene
def test_with_pause_nothing_is_under_way_while_the_flash_is_written(
    slept, server, root, window, n
):
    written = []

    def watched(data):
        written.append(server.under_way)
        write(data)

    # At the first start, and at one that goes on where that ended.
    server.window_limit = window
    for end in (n, 99):
        life = Life(server, root, pause=True)
        write, life.slot.write = life.slot.write, watched
        life.assign("1.1")
        life.until(lambda end=end: len(server.asked) > end)
        life.off()
    assert life.reset and written == [0] * len(written) and server.most == window


@rows(*range(2, BLOCKS + 1))
@scene
def test_a_transfer_that_the_server_forgot_is_opened_again(slept, server, root, n):
    def forget():
        server.transfer = None

    server.then[n] = forget
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [] and server.values("sw_error") == life.log == []
    assert server.asked.count(("1.1", 0)) == 2 and len(server.asked) <= BLOCKS + 4
    assert Life(server, root).runs() == "1.1"


@scene
def test_progress_is_told_and_may_raise(slept, server, root):
    told = []

    def progress(done, total):
        told.append((done, total))
        if len(told) == 3:
            raise ValueError("the display")

    life = Life(server, root, progress=progress)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    assert told[0] == (BLOCK, SIZE) and told[-1] == (SIZE, SIZE) and len(slept) == 1


@rows(*range(1, 7))
@scene
def test_silence_between_the_states_costs_time_only(slept, server, root, n):
    said = []

    def deaf():
        said.append(1)
        if len(said) == n:
            return "silence"

    server.deaf = deaf
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    assert len(server.asked) <= BLOCKS + 6
    assert Life(server, root).runs() == "1.1"


class FullFlash:
    """The module os of a flash that has no room for a new trial.state when told so."""

    def __init__(self):
        self.full = 0

    def __getattr__(self, name):
        return getattr(os, name)

    def rename(self, old, new):
        if self.full and new.endswith("trial.state"):
            self.full -= 1
            raise OSError(28)  # ENOSPC
        os.rename(old, new)


@scene
def test_a_flash_that_is_full_for_a_while_only_delays_activation(slept, server, root):
    flash = FullFlash()

    def progress(done, total):
        if done == total and not slept:
            flash.full = 2

    life = Life(server, root, os=flash, progress=progress)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert slept == [1000, 2000] and server.values("sw_error") == []
    # The same for the confirmation.
    life = Life(server, root, os=flash)
    assert life.runs() == "1.1"
    flash.full = 2
    assert life.until(lambda: not life.trial.unconfirmed()), life.log
    life.off()
    assert slept[2:] == [1000, 2000]
    assert not Life(server, root).trial.unconfirmed()


@scene
def test_memory_that_is_short_for_a_while_only_delays(slept, server, root):
    life = Life(server, root)
    write, tries = life.slot.write, []

    def short(data):
        tries.append(len(data))
        if len(tries) in (2, 4):
            raise MemoryError
        write(data)

    life.slot.write = short
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert len(slept) == 2 and Life(server, root).runs() == "1.1"
