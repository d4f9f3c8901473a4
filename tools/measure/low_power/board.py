"""A board that sleeps, with the whole firmware, and what its wakes are on the line.

Its sleeps take no time. Its two sensors say the same each time, and they come to the same records
as those of `device/report.py`.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools import bytecode
from tools.board import stage
from tools.measure.low_power.line import FAR, Line
from tools.measure.low_power.packets import Traffic
from tools.measure.low_power.reports import TOKEN, ReportError, Servers
from tools.vboard import Board

SENSORS = """
def read():
    return {"temperature": 21.5, "heap": 96}
"""
LISTEN_S = 2  # the default
PERIOD_S = 3600  # between reports
WAKE_TIMEOUT_S = 40


@dataclass(frozen=True)
class Wake:
    """What was on the line between two ends of the board, and for how long it was awake."""

    traffic: Traffic
    awake_s: float


@contextmanager
def asleep(servers: Servers, secure: bool, records: int):
    """Give a board with the firmware that reports every so many records, and its device."""
    token = f"BOARD_ASLEEP____{int(secure)}_{records:02}"
    assert len(token) == len(TOKEN)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        settings = {
            "server": ("coaps://" if secure else "coap://") + FAR,
            "port": servers.coap[secure],
            "time_port": servers.coap[0],
            "access_token": token,
            "interval": PERIOD_S // records,
            "report_every": records,
            "listen": LISTEN_S,
        }
        named = {}
        if secure:
            settings["trusted"] = servers.trusted.name
            named = {servers.trusted.name: servers.trusted.read_bytes()}
        root = folder / "root"
        stage.stage(root, settings=settings, named=named)
        fixed = folder / "sensors.py"
        fixed.write_text(SENSORS)
        bytecode.write([bytecode.convert(fixed, "app/sensors.py")], root / "factory")
        device = servers.sim.add_device(f"board {secure} {records}", token)
        board = Board(folder / "board.img", world=servers.world)
        board.format()
        board.deploy(root, compiled=False)
        try:
            board.start()
            yield board, device
        finally:
            board.stop()


def wakes(line: Line, servers: Servers, board: Board) -> Iterator[Wake]:
    """Give the board's wakes, one after the other, but for its first start."""
    _next(board, 1)
    for number in range(2, 1 << 30):
        begin, awake_s = board.ends[number - 2].at, board.awake_s
        _next(board, number)
        end = board.ends[number - 1].at
        seen = [packet for packet in list(line.packets) if begin < packet.sent <= end]
        yield Wake(Traffic.of(seen, *servers.coap), round(board.awake_s - awake_s, 2))


def rows(line: Line, servers: Servers, secure: bool, records: int, delays) -> Iterator[dict]:
    """Give a report at each of the delays as a row of the result, then a wake without one.

    ReportError if a report has not brought its records.
    """
    with asleep(servers, secure, records) as (board, device):
        life = wakes(line, servers, board)
        _reported(life)  # it still learns how long its sleeps are
        expected = 2  # records: of the first start, and of this one
        quiet = []
        for line.delay_s in delays:
            wake, silent = _reported(life)
            expected += records
            # The board may be ahead of us, as its sleeps take no time.
            got = {ts for ts, key, _ in list(device.telemetry) if key == "heap"}
            if len(got) < expected:
                raise ReportError(f"{len(got)} records of {expected} have come")
            quiet += silent
            told = {"by": "a board that sleeps", "listens": True, "secure": secure}
            told |= {"records": records, "rtt_ms": round(2000 * line.delay_s)}
            yield {**told, **asdict(wake.traffic), "awake_s": wake.awake_s}
        if quiet:
            yield {"by": "a wake without a report", "secure": secure, "awake_s": quiet[-1].awake_s}


def _next(board, number):
    board.wait(lambda: len(board.ends) >= number, WAKE_TIMEOUT_S, f"sleep number {number}")


def _reported(life) -> tuple[Wake, list[Wake]]:
    # The next wake with a report, and those before it.
    quiet = []
    for wake in life:
        if wake.traffic.up:
            break
        quiet.append(wake)
    return wake, quiet
