"""A roll-out as people see it: a live table at a terminal, else a line for each change."""

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tools.publish.board import DONE, FAILED, Board
from tools.publish.rollout import Rollout
from tools.publish.subjects import printable

COLORS = {"UPDATED": "green", "FAILED": "red", "": "dim"}
ROOM = 6  # lines of the terminal that the table does not have: its frame and what is below


class View:
    """`with View(console) as view:` and then view.show(rollout, problem)."""

    def __init__(self, console: Console, now_ms):
        self.console = console
        self.now_ms = now_ms  # the server's time
        self._told: dict[str, tuple] = {}
        self._problem = ""
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self):
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_):
        if self._live:
            self._live.stop()

    def show(self, rollout: Rollout, problem: str) -> None:
        if self._live:
            self._live.update(self._picture(rollout, problem), refresh=True)
        else:
            self._tell(rollout, problem)

    def _picture(self, rollout: Rollout, problem: str) -> Group:
        table = Table("device", "version", "state", "rate", "error", "age")
        table.columns[3].justify = table.columns[5].justify = "right"
        table.columns[4].overflow = "fold"
        rows = shown(rollout.boards, max(self.console.height - ROOM, 5))
        for board in rows:
            row = [Text(cell) for cell in cells(board, self.now_ms())]
            table.add_row(*row, style=COLORS.get(board.state))
        below = [Text(headline(rollout))]
        if len(rows) < len(rollout.boards):
            below.append(Text(f"and {len(rollout.boards) - len(rows)} more", "dim"))
        if problem:
            below.append(Text(problem, "yellow"))
        return Group(table, *below)

    def _tell(self, rollout: Rollout, problem: str) -> None:
        head = headline(rollout)
        if self._told.get("") != (head,):
            self._told[""] = (head,)
            self.console.print(head, markup=False, soft_wrap=True)
        for board in rollout.boards:
            if board.assigned and self._told.get(board.name) != (told := told_of(board)):
                self._told[board.name] = told
                line = " ".join(cell for cell in cells(board, self.now_ms())[:5] if cell)
                self.console.print(line, markup=False, soft_wrap=True)
        if problem != self._problem:
            self._problem = problem
            self.console.print(problem or "the server is there again", markup=False)


def told_of(board: Board) -> tuple:
    return board.state, board.version, board.error


def headline(rollout: Rollout) -> str:
    """Return the stage and who is where."""
    release = rollout.boards[0].release
    stage = max(rollout.stage, 0)
    where = f"stage {stage + 1} of {len(rollout.stages)}, {rollout.stages[stage]} %"
    return f"{release}, {where}: {rollout.summary()} (limit {rollout.limit})"


def shown(boards: list[Board], count: int) -> list[Board]:
    """Return the boards that matter most, so many as there is room for: those that failed, those
    under way, those that ended, those to come.
    """

    def weight(board: Board) -> int:
        if not board.assigned:
            return 3
        return 0 if board.state == FAILED else 2 if board.state in DONE else 1

    return sorted(boards, key=weight)[:count]


def cells(board: Board, now_ms: int) -> tuple[str, ...]:
    """Return what a row says of a board."""
    state = board.state or ("ASSIGNED" if board.assigned else "")
    rate = f"{board.rate:.1f} KiB/s" if board.rate else ""
    since = board.since_ms or board.heard_ms
    ago = age(now_ms - since) if since else ""
    row = board.name, board.version, state, rate, board.error, ago
    return tuple(map(printable, row))


def age(ms: int) -> str:
    """Return a time that has passed in one unit."""
    seconds = max(ms, 0) / 1000
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
