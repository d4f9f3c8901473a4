"""A roll-out carried out: stage by stage, until all boards are updated or it must stop.

What a server that is away cannot tell is waited for: the boards go on meanwhile.
"""

import asyncio
import time
from collections.abc import Callable

from tools.publish import PublishError, reports
from tools.publish.assignment import assign, give_to_profile, take_back
from tools.publish.board import FAILED, UPDATED, Board, Report, keys
from tools.publish.release import put
from tools.publish.rollout import Rollout
from tools.publish.server import Refused, Server, Unreachable
from tools.publish.subjects import Release, Target, some
from tools.publish.targets import one_profile

LOOK_S = 2.0  # between two looks at the boards
AWAY_S = 300  # so long the server may be away


async def prepare(
    server: Server, targets: list[Target], release: Release, any_title: bool = False
) -> list[Board]:
    """Have the release on the server, and return the boards that are to have it, those first that
    the server has heard of lately.

    A board that has this very package already is watched as if it had been assigned now. Raises
    PublishError, before anything is uploaded, if devices run an application of another title or
    have several profiles.
    """
    profile_id = one_profile(targets)
    ids = [target.id for target in targets]
    found = await reports.latest(server, ids, keys(release.kind))
    if not any_title:
        check_titles(targets, found, release)
    release = await put(server, release, profile_id)
    boards = []
    for target in sorted(targets, key=lambda target: (not target.active, target.name)):
        own = target.assigned.get(release.kind)
        before = own if own != release.id else None
        board = Board(target, release, before)
        board.look(found.get(target.id, {}))
        if own == release.id:
            board.resume(found.get(target.id, {}))
        boards.append(board)
    return sorted(boards, key=lambda board: not board.assigned)


def check_titles(targets: list[Target], found: dict[str, Report], release: Release) -> None:
    """Raise PublishError if some devices run an application of another title; what a device runs
    that was deployed by cable has none.
    """
    key = f"current_{release.kind}_title"
    titles = {target.name: found.get(target.id, {}).get(key, (0, ""))[1] for target in targets}
    others = [f"{name} ({t})" for name, t in titles.items() if t not in ("", release.title)]
    if others:
        raise PublishError(
            f"{len(others)} of {len(targets)} devices run another application than "
            f"{release.title}: {some(others)}; name others, or say ANY_TITLE=1 if that is meant"
        )


async def carry_out(
    server: Server,
    rollout: Rollout,
    show: Callable[[Rollout, str], None],
    to_profile: bool = False,
) -> str:
    """Assign, watch, and stop where the rules say so; return "" or why it was stopped.

    show(rollout, problem) is called after each look; problem: what keeps us from looking, or "".
    Whoever has not updated when it stops, or failed, gets back what it had. PublishError if the
    server refuses something or stays away.
    """
    seen_s = rollout.began_s = time.monotonic()
    problem = ""  # of the last look
    while True:
        now_s = time.monotonic()
        why = rollout.stopped(now_s)
        if not why and (due := rollout.next_boards(now_s)):
            try:
                await assign(server, due)
            except PublishError as error:
                if earlier := [board for board in unfinished(rollout) if board not in due]:
                    raise PublishError(f"{error}; {kept_by(earlier)}") from None
                raise
            seen_s = time.monotonic()
        show(rollout, problem)
        if why:
            await take_back(server, unfinished(rollout), why)
            return why
        if rollout.complete or rollout.late(now_s):
            break
        await asyncio.sleep(LOOK_S)
        try:
            await look(server, rollout)
            seen_s = time.monotonic()
            problem = ""
        except Unreachable as error:
            if time.monotonic() - seen_s > AWAY_S:
                raise PublishError(f"{error}; {kept(rollout)}") from None
            problem = str(error)
        except PublishError as error:
            raise PublishError(f"{error}; {kept(rollout)}") from None
    if failed := rollout.ended(FAILED):
        await take_back(server, failed, "some boards failed")
    if to_profile and not failed and rollout.complete:
        await give_to_profile(server, rollout.boards)
    return ""


async def look(server: Server, rollout: Rollout) -> None:
    """Bring the boards under way up to date."""
    ids = [board.target.id for board in rollout.open]
    kind = rollout.boards[0].release.kind
    found = await reports.latest(server, ids, keys(kind))
    for board in rollout.open:
        board.take(found.get(board.target.id, {}))
    for board in rollout.boards:
        if board.assigned and board.wants_rate:
            try:
                states = await reports.states(server, board.target.id, kind, board.begun_ms)
            except Refused:
                states = []  # it was deleted, perhaps; the others go on
            board.time_download(states)


def unfinished(rollout: Rollout) -> list[Board]:
    """Return the boards that have the package assigned and have not updated."""
    having = [board for board in rollout.boards if board.assigned and not board.taken_back]
    return [board for board in having if board.state != UPDATED]


def kept(rollout: Rollout) -> str:
    """Return what a person must know of a roll-out that nobody watches any longer."""
    boards = unfinished(rollout)
    if not boards:
        return rollout.summary()
    return f"{rollout.summary()}; {kept_by(boards)}"


def kept_by(boards: list[Board]) -> str:
    names = some([board.name for board in boards])
    return f"these keep the package assigned, and the same command goes on watching: {names}"
