# What the updater answers to an assignment of what runs, when it tries again, and how.

import asyncio
import errno

from ota import BLOCK, PACKAGES, Life, assignment, scene
from rows import rows

wait_for_ms = asyncio.wait_for_ms  # the real one
BLOCKS = -(-len(PACKAGES["1.1"]) // BLOCK)


def refusals(life):
    # The texts of what was refused, when the updater has nothing more to do for a while.
    life.until(ticks=120)
    return life.server.values("sw_error")


@scene
def test_what_runs_is_told_once_per_assignment_and_start(slept, server, root):
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    # The first start tells it by itself.
    life = Life(server, root)
    life.assign("1.1")
    life.until(ticks=60)
    assert server.values("sw_state").count("UPDATED") == 1
    for n in (2, 3):
        life.hear({})
        life.until(ticks=20)
        for text in ("first", "heard again"):
            life.hear(dict(assignment("1.1"), other=text))
            life.until(ticks=20)
            assert server.values("sw_state").count("UPDATED") == n
    life.off()
    assert len(server.asked) == BLOCKS and slept == [] and not life.reset


@scene
def test_the_same_version_with_another_checksum_is_another_package(slept, server, root):
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    life = Life(server, root)
    life.assign("1.1", {"checksum": "00"})
    assert refusals(life) == ["the checksum does not match"]
    life.off()
    assert Life(server, root).runs() == "1.1"


@rows("4.04", "4.00")
@scene
def test_what_the_server_never_has_is_asked_for_a_few_times(slept, server, root, fault):
    server.fault = lambda version, n: fault
    life = Life(server, root)
    life.assign("1.1")
    assert refusals(life) == ["the server answered " + fault]
    assert slept == [1000, 2000, 4000, 8000, 16000] and len(server.asked) == 6
    life.off()


@rows(*[(fault, n) for fault in ("4.04", "4.00") for n in range(1, 7)])
@scene
def test_what_is_refused_a_moment_before_another_is_assigned_did_not_fail(
    slept, server, root, fault, n
):
    server.fault = lambda version, num: fault if version == "1.1" else None
    server.then[n] = lambda: life.assign("1.2")
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert server.values("sw_error") == [] and Life(server, root).runs() == "1.2"


@scene
def test_a_wait_ends_with_another_assignment(slept, server, root):
    asyncio.wait_for_ms = wait_for_ms  # it takes its time: far longer than this test
    server.fault = lambda version, n: "silence" if version == "1.1" else None
    life = Life(server, root)
    life.assign("1.1")
    life.until(lambda: any("OSError" in text for text in life.log))
    life.hear(dict(assignment("1.1"), other=1))
    life.until(ticks=20)
    assert len(server.asked) == 1  # others' attributes do not shorten it
    life.assign("1.2")
    assert life.until(ticks=500) and life.reset, life.log
    life.off()
    assert Life(server, root).runs() == "1.2"


@scene
def test_blocks_shrink_where_only_large_datagrams_are_lost(slept, server, root):
    def lossy(version, block):
        server.endpoint.heard += 1  # signs of life are answered
        return "silence" if server.sizes[-1] > 256 else None

    server.fault = lossy
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert server.sizes[:3] == [1024, 512, 256] and set(server.sizes[2:]) == {256}
    assert slept == [1000, 2000] and Life(server, root).runs() == "1.1"


@scene
def test_blocks_stay_large_through_an_outage(slept, server, root):
    outage = ["silence"] * 5
    server.fault = lambda version, n: outage.pop() if outage else None
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset, life.log
    life.off()
    assert set(server.sizes) == {BLOCK}


@scene
def test_a_package_that_was_taken_back_is_not_told_as_what_runs(slept, server, root):
    # Two packages of one title and version: the first runs, the second was noted last.
    life = Life(server, root)
    life.assign("1.1")
    assert life.until() and life.reset
    life.off()
    life = Life(server, root)
    life.until(lambda: "UPDATED" in server.values("sw_state"))
    slot = life.slot
    runs = life.trial.state["app"]["run"]["id"]
    slot._manifest = {"id": runs + 1}
    slot.note("second")
    assert slot.differs("second") and not slot.differs("unheard of")
    slot._manifest = {"id": runs}
    slot.note("first")
    assert slot.differs("second") and not slot.differs("first")
    life.off()


@scene
def test_what_fails_at_another_server_is_not_said_of_ours(slept, server, root):
    async def connect(host, port, window_limit):
        raise OSError(errno.ETIMEDOUT)

    life = Life(server, root, connect=connect)
    life.assign("1.1", {"url": "coap://other.example/package"})
    life.until(lambda: life.log)
    assert life.log[0].startswith("download: OSError")
    server.deaf = lambda: "silence"
    life.assign("1.2")
    life.until(lambda: len(life.log) > 1)
    assert life.log[1] == "the server is silent"
    life.off()
