"""The rules of a roll-out: who is next, and when it ends. Knows no network, and is told the time.

Stages are cumulative percents. A stage begins when all boards of those before have ended, with
fewer failures than the limit. It is over by itself after its time: a board that says nothing is no
proof that the package is good.
"""

import math
from dataclasses import dataclass

from tools.publish import PublishError
from tools.publish.board import FAILED, UPDATED, Board
from tools.publish.subjects import some

STAGES = (1, 10, 100)


def parse_stages(text: str) -> tuple[int, ...]:
    """Return the percents of "1,10,100"; PublishError unless they rise to 100."""
    try:
        stages = tuple(int(part) for part in text.split(","))
    except ValueError:
        stages = ()
    if not stages or list(stages) != sorted(set(stages)) or stages[0] < 1 or stages[-1] != 100:
        raise PublishError(f"STAGES is {text}; give percents that rise to 100, such as 1,10,100")
    return stages


def parse_limit(text: str, count: int) -> int:
    """Return how many failures stop the roll-out; text: a number, or percents of the boards."""
    number = text.removesuffix("%")
    if not number.isascii() or not number.isdecimal() or not int(number):
        raise PublishError(f"LIMIT is {text}; give a number of failures from 1 on, or like 5%")
    return max(1, count * int(number) // 100) if text.endswith("%") else int(number)


@dataclass
class Rollout:
    """Boards in the order in which they are to have the package.

    limit: so many failures stop it; stage_s: seconds that a stage may take.
    """

    boards: list[Board]
    stages: tuple[int, ...] = STAGES
    limit: int = 1
    stage_s: float = 3600
    stage: int = -1  # the index of the one under way
    began_s: float = 0

    def __post_init__(self):
        # Of stages with the same boards the last one stays.
        counts = [self.count(stage) for stage in range(len(self.stages))]
        new = zip(self.stages, counts, [*counts[1:], None])
        self.stages = tuple(percent for percent, count, after in new if count != after)
        # A roll-out that goes on is in the last stage of which all boards have the package.
        begun = sum(board.assigned for board in self.boards)
        while not self.is_last and self.count(self.stage + 1) <= begun:
            self.stage += 1

    def count(self, stage: int) -> int:
        """Return how many boards are to have the package in a stage."""
        return math.ceil(len(self.boards) * self.stages[stage] / 100)

    @property
    def open(self) -> list[Board]:
        """The boards that have the package and have not ended."""
        return [board for board in self.boards if board.assigned and not board.done]

    def ended(self, state: str) -> list[Board]:
        return [board for board in self.boards if board.assigned and board.state == state]

    @property
    def is_last(self) -> bool:
        return self.stage == len(self.stages) - 1

    def next_boards(self, now_s: float) -> list[Board]:
        """Begin the next stage if its turn has come, and return who is to have the package now.

        A stage whose boards have it already is passed over.
        """
        while not self.open and not self.is_last and not self.stopped(now_s):
            self.stage += 1
            self.began_s = now_s
            due = [board for board in self.boards[: self.count(self.stage)] if not board.assigned]
            if due:
                return due
        return []

    @property
    def complete(self) -> bool:
        """Whether every board has the package and has ended."""
        return self.is_last and not self.open

    @property
    def all_updated(self) -> bool:
        return len(self.ended(UPDATED)) == len(self.boards)

    def stopped(self, now_s: float) -> str:
        """Return why it must stop, "" if it may go on."""
        failed = self.ended(FAILED)
        if len(failed) >= self.limit:
            first = failed[0]
            return (
                f"{len(failed)} failed, and LIMIT is {self.limit}: "
                f"{first.name}: {first.error or 'no reason told'}"
            )
        if self.late(now_s) and not self.is_last:
            names = some([board.name for board in self.open])
            return f"not ended in {self.stage_s / 60:g} min: {names}"
        return ""

    def late(self, now_s: float) -> bool:
        """Whether the stage has taken longer than it may."""
        return bool(self.open) and now_s - self.began_s > self.stage_s

    def summary(self) -> str:
        """Return how many boards are where."""
        updated, failed = len(self.ended(UPDATED)), len(self.ended(FAILED))
        waiting = len(self.boards) - updated - failed - len(self.open)
        parts = [f"{updated} of {len(self.boards)} updated", f"{failed} failed"]
        if self.open:
            parts.append(f"{len(self.open)} under way")
        if waiting:
            parts.append(f"{waiting} not begun")
        return ", ".join(parts)
