"""The steps of the demo. Each watches both sides and returns what it saw, or raises."""

import re
import statistics
import time
from pathlib import Path

from tools.demo.stage import NEAR_MS, Failed, Stage, require
from tools.demo.updates import UPDATES
from tools.vboard import BLOCK

REACHED_S = 30  # an attribute set after a restart of the server is to be on the device by then
SECURE_S = 90  # the association is given up after three silences of 20 s
LOSS = 0.2
OUTAGE_S = 6
# Measured on the bad link: fewer than half of what the outbox holds. There are fewer of a Protobuf
# profile, whose messages have one record each.
RECORDS, EVERY_S = 60, 0.5
SECURE_RECORDS, SECURE_EVERY_S = 15, 3
MEMORY = Path("/proc/meminfo")  # where there is one, the board measures it


def deployed(stage: Stage) -> str:
    """The firmware is put on the flash of a board."""
    size = stage.prepare()
    flash = stage.board.flash
    return f"{size / 1024:.1f} KiB of firmware on a flash of {flash.blocks * BLOCK // 1024} KiB"


def provisioned(stage: Stage) -> str:
    """A board that the server does not know starts and makes itself known."""
    stage.board.start()
    stage.board.wait_line("provisioned", 30)
    device = stage.device
    require(device.profile.name == "demo", "the device is in another profile")
    what = "certificate" if stage.secure else "access token"
    return f"{device.name} made its {what} known by the key of profile {device.profile.name}"


def telemetry(stage: Stage) -> str:
    """Measurements arrive, and they are this machine's."""
    stage.until(lambda: len(stage.stored()) >= 3, 30, "three records")
    latest = stage.device.latest()
    require(0 < latest["heap"] < 160, f"heap: {latest}")
    if MEMORY.exists():
        here = int(re.search(r"MemAvailable:\s+(\d+)", MEMORY.read_text())[1])
        require(abs(latest["memory"] - here) < here / 4, f"memory: {latest}, here {here}")
        require(0 <= latest["load"] < 1000, f"load: {latest}")
    age_ms = time.time_ns() // 1_000_000 - max(stage.stored())
    require(abs(age_ms) < 15_000, f"the newest record is {age_ms} ms old")
    return ", ".join(f"{key} {value}" for key, value in sorted(latest.items()))


def attributes(stage: Stage) -> str:
    """Client attributes are published; after a power cut the board reads them and counts on."""
    board = stage.board
    stage.until(lambda: stage.device.client_attributes.get("starts") == 1, 30, "attributes")
    board.cut_power()
    require(stage.credentials()["provisioned"], "no credentials saved")
    line = len(board.lines)
    board.start()
    board.wait_line("start number 2", 30, line)
    require(stage.device.client_attributes["starts"] == 2, "the server does not have it")
    return f"published {stage.device.client_attributes}; starts read back after a power cut"


def shared_attribute(stage: Stage) -> str:
    """A shared attribute is set and the board obeys."""
    stage.until(lambda: stage.sim.observes(stage.device), 30, "observation")
    line = len(stage.board.lines)
    began = time.monotonic()
    stage.sim.set_shared(stage.device, interval=0.5)
    stage.board.wait_line("interval 0.5 s", 30, line)
    took = time.monotonic() - began
    stage.until(lambda: len(stage.measured(line)) >= 8, 30, "measurements")
    times = sorted(stage.measured(line))[2:]
    gap = statistics.median(later - earlier for earlier, later in zip(times, times[1:]))
    require(400 <= gap <= 700, f"it measures every {gap} ms")
    return f"interval=0.5 applied after {1000 * took:.0f} ms; measures every {gap:.0f} ms now"


def command(stage: Stage) -> str:
    """Commands are answered, and carried out."""
    stage.until(lambda: stage.sim.observes(stage.device, "rpc"), 30, "observation of commands")
    began = time.monotonic()
    info = stage.rpc("getInfo")
    took = time.monotonic() - began
    require(info["interval"] == 0.5, f"getInfo: {info}")
    for on in (True, False, True):
        require(stage.rpc("setLed", on) == {"on": on}, "setLed")
        stage.until(lambda on=on: stage.board.led == on, 2, "change of the LED")
    unknown = stage.rpc("noSuchMethod")
    require("error" in unknown, f"noSuchMethod: {unknown}")
    return f"getInfo after {1000 * took:.0f} ms: version {info['version']}; setLed: the LED is on"


def server_restart(stage: Stage) -> str:
    """The server is gone for some seconds and comes back without knowing of any observation."""
    sim, board = stage.sim, stage.board
    line = len(board.lines)
    sim.stop_answering()
    time.sleep(6)
    outage = stage.measured(line)
    require(outage, "no record was due during the outage")
    require(stage.missing(outage) == outage, "a record arrived during the outage")
    sim.restart()
    require(not sim.observes(stage.device), "the observation is still known")
    sim.answer_again()
    began = time.monotonic()
    line = len(board.lines)
    sim.set_shared(stage.device, interval=1)
    board.wait_line("interval 1 s", SECURE_S if stage.secure else REACHED_S, line)
    took = time.monotonic() - began
    stage.until(lambda: not stage.missing(outage), 60, "the records of the outage")
    stage.until(lambda: sim.observes(stage.device, "rpc"), 60, "observation of commands")
    # The server counts commands from 0 again; this one is like no earlier one with its number.
    require(stage.rpc("setLed", False) == {"on": False}, "setLed")
    return f"attribute there after {took:.1f} s; all {len(outage)} records of the outage arrived"


def loss(stage: Stage) -> str:
    """A bad link loses datagrams both ways, but no record."""
    sim, board = stage.sim, stage.board
    line = len(board.lines)
    records, every_s = RECORDS, EVERY_S
    if stage.secure:
        records, every_s = SECURE_RECORDS, SECURE_EVERY_S
    sim.set_shared(stage.device, interval=every_s)
    board.wait_line(f"interval {every_s} s", 30, line)
    event, before = len(sim.events), dict(sim.link.counts)
    line = len(board.lines)
    sim.link.loss_up = sim.link.loss_down = LOSS
    try:
        stage.until(lambda: len(stage.measured(line)) >= records, 120, f"{records} records")
        recorded = set(sorted(stage.measured(line))[:records])
        stage.until(lambda: not stage.missing(recorded), 120, "all of them in the store")
    finally:
        sim.link.loss_up = sim.link.loss_down = 0
    first, last = min(recorded) - NEAR_MS, max(recorded) + NEAR_MS
    stored = {ts for ts in stage.stored() if first <= ts <= last}
    require(len(stored) == len(recorded), f"{len(stored)} stored of {len(recorded)} taken")
    lost = {way: sim.link.counts[way] - before[way] for way in before}
    require(lost["dropped_up"] and lost["dropped_down"], "the link lost nothing")
    return (
        f"{len(recorded)} records taken, the same {len(stored)} stored; "
        f"lost {lost['dropped_up']} of {lost['up']} datagrams up, "
        f"{lost['dropped_down']} of {lost['down']} down; "
        f"{stage.repeated_requests(event)} duplicates at the server"
    )


def wifi_outage(stage: Stage) -> str:
    """The Wi-Fi is gone for some seconds, and the DNS is dead for longer."""
    network, board = stage.network, stage.board
    line = len(board.lines)
    stage.sim.set_shared(stage.device, interval=0.5)
    if stage.secure:  # it was another
        board.wait_line("interval 0.5 s", 30, line)
    line, resets = len(board.lines), board.resets
    network.dns = "silent"
    try:
        network.link = False
        time.sleep(OUTAGE_S)
        outage = stage.measured(line)
        require(stage.missing(outage) == outage, "a record arrived during the outage")
        network.link = True
        board.wait_line("wifi: joined", 30, line)
        stage.until(lambda: not stage.missing(outage), 60, "the records of the outage")
    finally:
        network.dns = "answers"
    times = sorted(stage.measured(line))
    gap = max(later - earlier for earlier, later in zip(times, times[1:]))
    require(gap < 2000, f"nothing was measured for {gap} ms")
    require(board.resets == resets, "it was reset")
    return (
        f"all {len(outage)} records of {OUTAGE_S} s arrived by the last good address, the DNS "
        f"was silent; measured at least every {gap} ms"
    )


def health(stage: Stage) -> str:
    """After all that the board is well."""
    stage.sim.set_shared(stage.device, interval=2)
    stage.board.wait_line("interval 2 s", 60)
    stage.until(lambda: stage.sim.observes(stage.device, "rpc"), 60, "observation of commands")
    info = stage.rpc("getInfo")
    require(not stage.board.resets, f"it was reset: {dict(stage.board.resets)}")
    require(info["dropped"] == info["refused"] == 0, f"records lost: {info}")
    require(info["problem"] is None, f"it complains: {info['problem']}")
    heap = stage.device.latest()["heap"]
    return (
        f"no reset, no record lost, {info['retransmissions']} retransmissions, "
        f"{info['duplicates']} duplicates at the board, {heap} KiB of heap free"
    )


STEPS = [
    ("deployed", deployed),
    ("provisioned", provisioned),
    ("telemetry", telemetry),
    ("attributes", attributes),
    ("shared attribute", shared_attribute),
    ("command", command),
    ("server restart", server_restart),
    ("20 % loss each way", loss),
    ("Wi-Fi and DNS gone", wifi_outage),
    ("health", health),
    *UPDATES,
]

__all__ = ["STEPS", "Failed"]
