# The updater in bad weather: whatever the server says, no wrong byte runs, and nothing is stuck.

from chance import Chance
from ota import FAULTS, Life, assignment, scene
from rows import rows

KEYS = ("title", "version", "size", "checksum", "checksum_algorithm", "url")
JUNK = (None, 0, 1, -1, 1 << 40, 1.5, True, "", "x", "6841", [], ["SHA256"], {"a": 1})
# What may be reported; all else is a mistake of the updater.
EXPECTED = ("OSError", "ResetError", "ResponseError", "TransferError", "MemoryError")


def junk(chance):
    # What assigns one of the first two packages, or nearly so.
    values = assignment(chance.one_of(("1.1", "1.2")))
    if chance.below(3) == 0:
        values["sw_" + chance.one_of(KEYS)] = chance.one_of(JUNK)
    return values


def check(life):
    # What must hold whenever a start has ended.
    for values in life.server.told:
        assert (values.get("sw_state") == "FAILED") == ("sw_error" in values)
        assert values.get("sw_error", "text")
    for text in life.log:
        if text.endswith(" is not checked: the signature decides"):
            continue
        if text.startswith(("update: sw FAILED: ", "update: sw UPDATED: ", "the server ")):
            continue
        assert text.split()[0] == "update:" and text.split()[1] in EXPECTED, text


@rows(*range(1, 15))
@scene
def test_after_any_weather_the_newest_package_runs(slept, server, root, seed):
    # Some starts of a board with faults of all kinds, then fair weather.
    chance = server.chance = Chance(seed)
    rate = chance.one_of((2, 10, 30))
    server.fault = lambda *_: chance.one_of(FAULTS) if chance.below(100) < rate else None
    server.deaf = lambda: chance.one_of((None, None, None, None, None, "silence", "5.00"))
    server.window_limit = 1 + chance.below(4)
    life = runs = None
    for _ in range(1 + chance.below(4)):
        if life:
            life.off()
            check(life)
            runs = life.slot.current() if life.reset else None
        life = Life(server, root, pause=chance.below(2))
        version = life.runs()
        assert not runs or runs[1] == version
        for _ in range(chance.below(4)):
            life.hear(junk(chance))
            life.until(ticks=chance.below(200))
            if life.reset:
                break
    server.fault = lambda *_: None
    server.deaf = lambda: None
    if life.reset or chance.below(2):
        life.off()
        check(life)
        life = Life(server, root)
    # The same start, or a new one: it takes what it can.
    for version in (chance.one_of(("1.1", "1.2")), "1.3"):
        while life.runs() != version:
            life.hear({})
            life.until(ticks=60)  # an older package may be on its way
            errors = server.values("sw_error")
            life.assign(version)
            assert life.until(lambda: server.values("sw_error") != errors), life.log
            if not life.reset:
                # It has confirmed a newer one, or what came cost this package its credit.
                error = server.values("sw_error")[-1]
                assert version != "1.3", error
                assert "older than" in error or server.poisoned or "never reached" in error, error
                break
            life.off()
            check(life)
            assert len(server.asked) < 500
            life = Life(server, root)
            life.until(lambda: server.told[-1].get("sw_state") == "UPDATED")
    life.off()
    check(life)
    assert life.runs() == "1.3"
