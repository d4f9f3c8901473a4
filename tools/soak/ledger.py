"""The books of a soak: what the board measured and ran, what the server stored, what is missing.

They believe nobody: a reading counts by its line on the board's console, a record by the server's
store, and a loss is excused only by a reason that is in the books. What the board had in its
journal, no power cut excuses.
"""

from collections import Counter
from dataclasses import dataclass, field

POWER_CUT = "power cut"
OUTBOX_FULL = "outbox full or record refused"
NO_REASON = "NO REASON"


@dataclass
class Life:
    """One life of the board, from a start to its end.

    lost: how many records its outbox says it dropped. end: why it ended, None while it goes on.
    """

    readings: list[int] = field(default_factory=list)  # their numbers, oldest first
    kept: int = 0  # how many of them, the oldest, are in the journal
    lost: int = 0
    end: str | None = None


@dataclass
class Records:
    """What became of the readings. again: received more than once with the same time, which the
    server keeps once. twice: stored under two times. strange: stored, but never measured.
    """

    measured: int
    stored: int
    again: int
    twice: int
    strange: int
    lost: Counter  # by reason

    def faults_found(self) -> list[str]:
        """Return what must not be, in words."""
        found = []
        if self.lost[NO_REASON]:
            found.append(f"{self.lost[NO_REASON]} records lost without a reason")
        if self.twice:
            found.append(f"{self.twice} records stored under two times")
        if self.strange:
            found.append(f"{self.strange} records that nobody measured")
        if not self.stored:
            found.append("no record was stored at all")
        return found


@dataclass
class Commands:
    """What became of the commands, each of which has a number of its own.

    unheard: sent, but answered and run by nobody. twice: run more than once. false: answered, but
    not run, or with the answer of another.
    """

    sent: int
    run: int
    answered: int
    unheard: int
    twice: list[int]
    false: list[int]


class Ledger:
    """Takes what happens in its order; asked at the end."""

    def __init__(self):
        self.lives: list[Life] = [Life()]
        self.unexplained: list[int] = []  # numbers of what records() found lost without a reason
        self.sent: list[int] = []
        self.replies: dict[int, int] = {}  # number of a command: the number in its reply
        self.runs: Counter = Counter()  # by number of the command

    def read(self, number: int, lost: int) -> None:
        """The board measured; `lost` is the count of its outbox."""
        life = self.lives[-1]
        life.readings.append(number)
        life.lost = max(life.lost, lost)

    def kept(self) -> None:
        """The board has written to its journal all that it has measured."""
        self.lives[-1].kept = len(self.lives[-1].readings)

    def ended(self, why: str) -> None:
        """A life of the board ended."""
        self.lives[-1].end = why
        self.lives.append(Life())

    def restarts(self) -> Counter:
        """Return how often the board was started again, by reason."""
        return Counter(life.end for life in self.lives if life.end)

    def records(self, stored: list[tuple[int, int]]) -> Records:
        """Return what became of the readings; stored: (time, number) of each record received."""
        times: dict[int, Counter] = {}
        for ts, number in stored:
            times.setdefault(number, Counter())[ts] += 1
        measured = {number for life in self.lives for number in life.readings}
        return Records(
            measured=len(measured),
            stored=len(measured & times.keys()),
            again=sum(n - 1 for found in times.values() for n in found.values()),
            twice=sum(len(found) > 1 for found in times.values()),
            strange=len(times.keys() - measured),
            lost=self._reasons(times.keys()),
        )

    def _reasons(self, stored) -> Counter:
        # A power cut takes only what the board had not written in that life; any other must be one
        # that an outbox says it dropped, in its own life or, kept over a restart, in a later one.
        reasons: Counter = Counter()
        waiting: list[tuple[int, int]] = []  # missing records: the life they are of, the number
        self.unexplained = []
        for n, life in enumerate(self.lives):
            for i, number in enumerate(life.readings):
                if number in stored:
                    continue
                if life.end == POWER_CUT and i >= life.kept:
                    reasons[POWER_CUT] += 1
                else:
                    waiting.append((n, number))
        spare = [life.lost for life in self.lives]
        for n, number in waiting:
            later = next((m for m in range(n, len(spare)) if spare[m]), None)
            if later is None:
                reasons[NO_REASON] += 1
                self.unexplained.append(number)
            else:
                spare[later] -= 1
                reasons[OUTBOX_FULL] += 1
        return reasons

    def commands(self) -> Commands:
        """Return what became of the commands."""
        false = [n for n, said in self.replies.items() if said != n or not self.runs[n]]
        unheard = [n for n in self.sent if not self.runs[n] and n not in self.replies]
        return Commands(
            sent=len(self.sent),
            run=sum(1 for n in self.sent if self.runs[n]),
            answered=len(self.replies),
            unheard=len(unheard),
            twice=sorted(n for n, times in self.runs.items() if times > 1),
            false=sorted(false),
        )
