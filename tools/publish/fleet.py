"""The fleet at a glance: who runs what, when it was heard, and what it complains about.

What a device tells by itself is read from the server; what waits in its outbox and what its
problem is, it is asked by the command getInfo, if the server has heard of it lately. That is the
only place where both are of this moment; a device that sleeps or is of old answers nothing, so the
asking of all has an end, and who was heard last is asked first.
"""

import asyncio
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from tools.publish import reports
from tools.publish.board import ACTIVITY
from tools.publish.server import Refused, Server, Unreachable
from tools.publish.subjects import Target, printable
from tools.publish.table import age

CLIENT = ["version", "starts", "restart", "restarts", "report_every", "faults", "last_fault"]
TELEMETRY = ["fw_state", "fw_error", "current_fw_version", "current_sw_version"]
ASKED_AT_ONCE = 16
ANSWER_MS = 5000  # the least that the server takes
ASK_S = 20  # for all devices
# Who was not heard for so long, and does not say whether it sleeps, may be asleep: no answer is no
# problem then.
ASLEEP_MS = 120_000


@dataclass(frozen=True)
class Member:
    """A device of the fleet; texts are as the server has them, "" for what nobody told."""

    name: str
    active: bool
    version: str
    heard_ms: int  # when the server heard of it last; 0: never
    starts: str
    restarts: str  # in a row, and why the last one was
    problem: str
    waiting: str  # records in its outbox
    update: str  # the state of the last one
    unasked: bool = False  # for lack of time: problem and waiting are what the server has


async def look(server: Server, targets: list[Target], ask: bool = True) -> list[Member]:
    """Return what is known of devices, in the order of names; ask: also the devices themselves."""
    ids = [target.id for target in targets]
    found = await reports.latest(server, ids, TELEMETRY, CLIENT, [ACTIVITY, "active"])
    known = {id: {key: value for key, (_, value) in found.get(id, {}).items()} for id in ids}
    there = [id for id in ids if ask and known[id].get("active") == "true"]
    there.sort(key=lambda id: heard_ms(known[id]), reverse=True)
    answers = await ask_all(server, there)
    members = []
    for target in sorted(targets, key=lambda target: target.name):
        told = answers.get(target.id, {})
        unasked = target.id in there and target.id not in answers
        members.append(member(target, known[target.id], told, server.now_ms, unasked))
    return members


async def ask_all(server: Server, ids: list[str]) -> dict[str, dict | None]:
    """Return {id: what info() returned}, in this order, as far as time allows."""
    answers: dict[str, dict | None] = {}
    limit = asyncio.Semaphore(ASKED_AT_ONCE)

    async def one(id: str) -> None:
        async with limit:
            answers[id] = await info(server, id)

    tasks = [asyncio.create_task(one(id)) for id in ids]
    if not tasks:
        return answers
    done, late = await asyncio.wait(tasks, timeout=ASK_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for task in done:
        task.result()
    return answers


async def info(server: Server, id: str) -> dict | None:
    """Return what a device answers to getInfo, None if it does not answer."""
    body = {"method": "getInfo", "params": {}, "timeout": ANSWER_MS}
    try:
        answer = await server.post(f"/api/rpc/twoway/{id}", "asking a device", body)
    except (Unreachable, Refused):
        return None
    return answer if isinstance(answer, dict) else None


def heard_ms(values: dict) -> int:
    heard = values.get(ACTIVITY, "")
    return int(heard) if heard.isdecimal() else 0


def member(
    target: Target, values: dict, told: dict | None, now_ms: int, unasked: bool = False
) -> Member:
    """Return a device from what the server has, and what it told itself: None is no answer."""
    problem = values.get("last_fault", "") if values.get("faults", "0") != "0" else ""
    heard = heard_ms(values)
    if told is None:
        sleeps = values.get("report_every", "0") != "0"
        if now_ms - heard < ASLEEP_MS and not sleeps:
            problem = "does not answer commands"
    elif told.get("problem"):
        problem = str(told["problem"])
    # A package's version is what was published; what is deployed by cable has none.
    packaged = values.get("current_sw_version") or values.get("current_fw_version")
    version = packaged or (told or {}).get("version") or values.get("version", "")
    restarts = values.get("restarts", "")
    if values.get("restart"):
        restarts = f"{restarts} ({values['restart']})"
    state, error = values.get("fw_state", ""), values.get("fw_error", "")
    return Member(
        target.name,
        values.get("active") == "true",
        str(version),
        heard,
        values.get("starts", ""),
        restarts,
        problem,
        str((told or {}).get("waiting", "")),
        f"{state}: {error}" if state == "FAILED" and error else state,
        unasked,
    )


TEXT_WIDTH = 40  # what is longer goes on in the next line
COLUMNS = ("device", "version", "heard", "starts", "restarts", "problem", "waiting", "update")


def table(members: list[Member], now_ms: int) -> Table:
    """Return the fleet as a table: who is silent is dim, who has a problem yellow."""
    result = Table(*COLUMNS)
    for column in (2, 3, 6):
        result.columns[column].justify = "right"
    for column in (4, 5, 7):
        result.columns[column].max_width = TEXT_WIDTH
    for one in members:
        heard = age(now_ms - one.heard_ms) if one.heard_ms else "never"
        row = (one.name, one.version, heard, one.starts, one.restarts, one.problem, one.waiting)
        style = "yellow" if one.problem else "" if one.active else "dim"
        result.add_row(*[Text(printable(cell)) for cell in (*row, one.update)], style=style)
    return result


def summary(members: list[Member]) -> str:
    silent = sum(not one.active for one in members)
    troubled = sum(bool(one.problem) for one in members)
    devices = "1 device" if len(members) == 1 else f"{len(members)} devices"
    unasked = sum(one.unasked for one in members)
    late = f"; in {ASK_S} s {unasked} did not say how they are" if unasked else ""
    return f"{devices}, {silent} silent, {troubled} with a problem{late}"
