"""The steps of the demo that update the board, well and badly."""

from collections import Counter
from itertools import groupby

from tools.demo.stage import Stage, require
from tools.package import keys, releases
from tools.tbsim.model.packages import Served

RESUMED = 8192 + 3 * 1024  # bytes fetched twice, and what was on its way, at a power cut
ONE_WAY_MS = 100  # a slow link, so that there is a middle of a download to cut the power in
ROLLBACK_S = 60  # three starts, each until the watchdog bites


def updated(stage: Stage) -> str:
    """Release 1.1; the power fails half-way."""
    sim, board = stage.sim, stage.board
    sources = releases.copy(stage.folder, "1.1")
    package = releases.build(sources, stage.key, version="1.1", sequence=11, extras=stage.extras)
    size = len(package.data)
    sim.link.delay_ms = ONE_WAY_MS
    stage.assign(package)
    stage.until(lambda: served(stage, package) > size / 3, 30, "a third of the package")
    require(stage.rpc("setLed", True) == {"on": True}, "no command during a download")
    sim.until(lambda: served(stage, package) > size / 2, 30)
    board.cut_power()
    require("DOWNLOADED" not in stage.states(), "the power was cut too late")
    before, line = len(package.served), len(board.lines)
    board.start()
    stage.until(lambda: served(stage, package, before) == size, 60, "all of the package")
    board.wait_line("start number", 60, line)
    stage.until(lambda: stage.states()[-1] == "UPDATED", 30, "UPDATED")
    sim.link.delay_ms = 0
    twice = sum(part.size for part in package.served) - size
    first, second = rate(package.served[:before]), rate(package.served[before:])
    require(0 < twice <= RESUMED, f"{twice} bytes were fetched twice")
    told = [state for state in stage.states() if state not in ("QUEUED", "INITIATED")]
    path = [state for state, _ in groupby(told)]  # a download that goes on tells so once more
    expected = "DOWNLOADING DOWNLOADED VERIFIED UPDATING UPDATED".split()
    require(path == expected, f"states: {path}")
    runs(stage, "1.1")
    return (
        f"{size / 1024:.0f} KiB at {first:.1f} and, after the power cut, {second:.1f} KiB/s over "
        f"{2 * ONE_WAY_MS} ms of round trip, {twice} bytes twice; "
        "the new library runs, the dropped module is gone; confirmed"
    )


def crashing(stage: Stage) -> str:
    """Release 1.2 crashes when it starts."""
    return rolled_back(stage, "1.2", 12, releases.CRASHES % "1.2", "reset", "release 1.2 is bad")


def hanging(stage: Stage) -> str:
    """Release 1.3 hangs in an import."""
    return rolled_back(stage, "1.3", 13, releases.HANGS, "watchdog", "it hung")


def rolled_back(stage, version, sequence, fault, cause, reason):
    board = stage.board
    sources = releases.copy(stage.folder, version)
    releases.edit(sources / "app/__init__.py", "", fault)
    package = releases.build(
        sources, stage.key, version=version, sequence=sequence, extras=stage.extras
    )
    line, resets, states = len(board.lines), board.resets, len(stage.states())
    stage.assign(package)
    stage.until(lambda: served(stage, package) == len(package.data), 60, "all of the package")
    stage.until(lambda: "FAILED" in stage.states()[states:], ROLLBACK_S, "FAILED")
    error = stage.device.latest()["fw_error"]
    require(reason in error, f"the error told is {error!r}")
    board.wait_line("start number", 30, line)
    again = board.resets - resets - Counter(reset=1)  # one to start the new release
    require(again == {cause: 3}, f"resets: {again}")
    runs(stage, "1.1")
    blocks = len(package.served)
    speed = rate(package.served)
    stage.sim.set_shared(stage.device, interval=2.5)
    board.wait_line("interval 2.5 s", 30, line)
    stage.sim.set_shared(stage.device, interval=2)
    board.wait_line("interval 2 s", 30, line)
    require(len(package.served) == blocks, "it is downloaded again")
    return (
        f"downloaded at {speed:.0f} KiB/s; three starts, then 1.1 again; "
        f"the server was told: {error}"
    )


def foreign(stage: Stage) -> str:
    """Release 1.4 has another signature."""
    key = keys.create(stage.folder / "foreign.pem")
    package = releases.build(
        stage.folder / "1.1", key, version="1.4", sequence=14, extras=stage.extras
    )
    wear, states = stage.board.flash.wear(), len(stage.states())
    stage.assign(package)
    stage.until(lambda: "FAILED" in stage.states()[states:], 30, "FAILED")
    require(stage.board.flash.wear() == wear, "something was erased")
    runs(stage, "1.1")
    error = stage.device.latest()["fw_error"]
    require("key" in error, f"the error told is {error!r}")
    return f"told: {error}; {len(package.served)} blocks served, nothing erased"


def served(stage, package, after=0):
    # How far the package has been served, for the eye too.
    parts = list(package.served[after:])
    done = max([part.start + part.size for part in parts], default=0)
    stage.progress(done, len(package.data), f"{rate(parts):.1f} KiB/s")
    return done


def rate(parts: list[Served]) -> float:
    """Return KiB/s from the first part that was served to the last; 0 for less than two."""
    seconds = parts[-1].time - parts[0].time if parts else 0
    return sum(part.size for part in parts[1:]) / 1024 / seconds if seconds else 0.0


def runs(stage, version):
    stage.until(lambda: stage.sim.observes(stage.device, "rpc"), 60, "observation of commands")
    info = stage.rpc("getInfo")
    found = [info["version"], info.get("coap"), info.get("dropped")]
    require(found == [version, version, False], f"it runs {found}")


UPDATES = [
    ("update and power cut", updated),
    ("crash", crashing),
    ("hang", hanging),
    ("foreign key", foreign),
]
