"""One board in a roll-out: what it has, and what it says about the package. Knows no network.

A report is what the server has of it: {key: (ts, value)}, values as text, times of the server in
milliseconds. A state counts only if it was told after the assignment; the server itself tells when
that was (`target_fw_ts`).
"""

from dataclasses import dataclass

from tools.publish.subjects import Release, Target, same_version

UPDATED, FAILED = "UPDATED", "FAILED"
DONE = (UPDATED, FAILED)
FETCHED = ("DOWNLOADED", "VERIFIED", "UPDATING", UPDATED)
KEYS = ("state", "error")
TARGET_KEYS = ("title", "version", "ts")
ACTIVITY = "lastActivityTime"

Report = dict[str, tuple[int, str]]


def keys(kind: str) -> list[str]:
    """Return the telemetry keys that a report has for a kind of package."""
    names = [f"{kind}_{name}" for name in KEYS]
    names += [f"target_{kind}_{name}" for name in TARGET_KEYS]
    return names + [f"current_{kind}_{name}" for name in ("title", "version")]


@dataclass
class Board:
    """A device, and how far it is. before: the id of the package that it had itself."""

    target: Target
    release: Release
    before: str | None = None
    assigned: bool = False
    taken_back: bool = False  # it has what it had before
    title: str = ""  # of what runs
    version: str = ""
    state: str = ""
    error: str = ""
    since_ms: int = 0  # when it told its state
    heard_ms: int = 0
    begun_ms: int = 0  # when the server told of the assignment
    rate: float | None = None  # KiB/s of its download
    _earlier_ms: int = -1  # the time of an older assignment of the same package

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def done(self) -> bool:
        return self.state in DONE

    @property
    def wants_rate(self) -> bool:
        return self.rate is None and self.state in FETCHED

    def look(self, report: Report) -> None:
        """Take what the server has before anything is assigned."""
        self._take(report)
        self._earlier_ms = self._assigned_ms(report)

    def assign(self) -> None:
        """It has the package from now on."""
        self.assigned = True

    def resume(self, report: Report) -> None:
        """It has had the package before we began to look: what it told since then counts."""
        self.assigned = True
        self._earlier_ms = -1
        self.take(report)

    def take(self, report: Report) -> None:
        """Take what the server has after the assignment."""
        self._take(report)
        begun_ms = self._assigned_ms(report)
        if not self.assigned or begun_ms <= self._earlier_ms:
            return
        self.begun_ms = begun_ms
        ts, state = report.get(self.release.kind + "_state", (0, ""))
        if state and ts >= begun_ms:
            self.state, self.since_ms = state, ts
            told_ms, error = report.get(self.release.kind + "_error", (0, ""))
            self.error = error if state == FAILED and told_ms >= begun_ms else ""

    def time_download(self, states: list[tuple[int, str]]) -> None:
        """Take the history of its states, (ts, state), and work out the rate."""
        began = [ts for ts, state in states if state == "DOWNLOADING" and ts >= self.begun_ms]
        ended = [ts for ts, state in states if state == "DOWNLOADED" and ts >= self.begun_ms]
        self.rate = 0.0  # it had the package already, or told nothing of it
        if began and ended and max(ended) > min(began):
            self.rate = self.release.size / 1024 / ((max(ended) - min(began)) / 1000)

    def _take(self, report: Report) -> None:
        current = f"current_{self.release.kind}_"
        self.title = report.get(current + "title", (0, ""))[1]
        self.version = report.get(current + "version", (0, ""))[1]
        activity = report.get(ACTIVITY, (0, ""))[1]
        self.heard_ms = int(activity) if activity.isdecimal() else 0

    def _assigned_ms(self, report: Report) -> int:
        """Return when the server told of this package, -1 if it has told of another one."""
        name = f"target_{self.release.kind}_"
        title, version = (report.get(name + what, (0, ""))[1] for what in ("title", "version"))
        ts = report.get(name + "ts", (0, ""))[1]
        if title != self.release.title or not same_version(version, self.release.version):
            return -1
        return int(ts) if ts.isdecimal() else -1
