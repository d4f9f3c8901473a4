"""A package assigned to devices, and taken away again; one change after the other is whole.

What is saved is the device as it was read, with one field changed. If somebody else changed it
meanwhile the server says so (409), and it is read again.
"""

import asyncio

from tools.publish import PublishError
from tools.publish.board import Board
from tools.publish.server import CONFLICT, NOT_FOUND, Refused, Server, Unreachable
from tools.publish.subjects import FIELDS, some

AT_ONCE = 8  # requests under way
TRIES = 4  # of one change, against others' changes
PATIENCE_S = 60  # for a server that is away while something must be taken back
PAUSE_S = 2


async def assign(server: Server, boards: list[Board]) -> None:
    """Assign each board its release. If one fails, those before it get back what they had."""
    begun: list[Board] = []

    async def one(board: Board) -> None:
        begun.append(board)
        await change(server, "device", board.target.id, board.release.kind, board.release.id)

    try:
        await each(boards, one)
    except PublishError as error:
        await take_back(server, begun, str(error))
        raise PublishError(f"{error}; nobody of this stage has the package") from None
    finally:
        for board in begun:
            board.assign()  # also if a person interrupts: it may have the package


async def take_back(server: Server, boards: list[Board], why: str) -> None:
    """Give boards the package that they had before, or none. Raises PublishError with who still
    has the new one if the server stays away or refuses; why: what led to this.
    """
    left = list(boards)  # those that still have it

    async def one(board: Board) -> None:
        kind, release = board.release.kind, board.release.id
        try:
            await change(server, "device", board.target.id, kind, board.before, only_if=release)
        except Refused as error:
            if error.status != NOT_FOUND:
                return  # the others do not suffer from it
        except Unreachable:
            left.remove(board)
            left.append(board)  # nor from trouble that this one alone has
            raise
        left.remove(board)
        board.taken_back = True

    for _ in range(int(PATIENCE_S / PAUSE_S)):
        try:
            await each(list(left), one)
            break
        except Unreachable:
            await asyncio.sleep(PAUSE_S)
    if not left:
        return
    names = some(sorted(board.name for board in left))
    raise PublishError(f"{why}; these may still have the package assigned: {names}")


async def give_to_profile(server: Server, boards: list[Board]) -> None:
    """Assign the release to the profile of boards, and leave it to that: they have it already, so
    nothing is told to them, and devices that come later get it, too.
    """
    release, target = boards[0].release, boards[0].target
    await change(server, "deviceProfile", target.profile_id, release.kind, release.id)

    async def one(board: Board) -> None:
        kind = release.kind
        await change(server, "device", board.target.id, kind, None, only_if=release.id)

    await each(boards, one)


async def change(
    server: Server, what: str, id: str, kind: str, package: str | None, only_if: str | None = None
) -> None:
    """Save a device or a profile with another package of a kind, None: without.

    only_if: leave it alone if it has another package than this one by now.
    """
    field = FIELDS[kind]
    wanted = package and {"entityType": "OTA_PACKAGE", "id": package}
    for left in reversed(range(TRIES)):
        entity = server.entity(await server.get(f"/api/{what}/{id}", "reading a " + what))
        now = (entity.get(field) or {}).get("id")
        if now == package or only_if and now != only_if:
            return
        try:
            changed = entity | {field: wanted}
            server.entity(await server.post(f"/api/{what}", "assigning the package", changed))
            return
        except Refused as error:
            if error.status != CONFLICT or not left:
                raise


async def each(boards: list[Board], function) -> None:
    """Await function(board) of all, a few at a time; with the first error no other begins."""
    limit = asyncio.Semaphore(AT_ONCE)
    failed = False

    async def one(board: Board) -> None:
        nonlocal failed
        async with limit:
            if not failed:
                try:
                    await function(board)
                except BaseException:
                    failed = True
                    raise

    results = await asyncio.gather(*map(one, boards), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
