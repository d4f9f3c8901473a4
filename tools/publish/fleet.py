"""The fleet at a glance: who runs what, when it was heard, and what it complains about.

What a device tells by itself is read from the server; what waits in its outbox and what its
problem is, it is asked by the command getInfo, if the server has heard of it lately.
"""

import asyncio
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from tools.publish import reports
from tools.publish.board import ACTIVITY
from tools.publish.server import Refused, Server, Unreachable
from tools.publish.subjects import Target
from tools.publish.table import age, printable

CLIENT = ["version", "starts", "restart", "restarts", "faults", "last_fault"]
TELEMETRY = ["fw_state", "fw_error", "current_fw_version", "current_sw_version"]
ASKED_AT_ONCE = 16
ANSWER_MS = 5000  # the least that the server takes


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


async def look(server: Server, targets: list[Target], ask: bool = True) -> list[Member]:
    """Return what is known of devices, in the order of names; ask: also the devices themselves."""
    ids = [target.id for target in targets]
    found = await reports.latest(server, ids, TELEMETRY, CLIENT, [ACTIVITY, "active"])
    limit = asyncio.Semaphore(ASKED_AT_ONCE)

    async def one(target: Target) -> Member:
        values = {key: value for key, (_, value) in found.get(target.id, {}).items()}
        active = values.get("active") == "true"
        told: dict | None = {}
        if ask and active:
            async with limit:
                told = await info(server, target.id)
        return member(target, values, active, told)

    return await asyncio.gather(*map(one, sorted(targets, key=lambda target: target.name)))


async def info(server: Server, id: str) -> dict | None:
    """Return what a device answers to getInfo, None if it does not answer."""
    body = {"method": "getInfo", "params": {}, "timeout": ANSWER_MS}
    try:
        answer = await server.post(f"/api/rpc/twoway/{id}", "asking a device", body)
    except (Unreachable, Refused):
        return None
    return answer if isinstance(answer, dict) else None


def member(target: Target, values: dict, active: bool, told: dict | None) -> Member:
    problem = values.get("last_fault", "") if values.get("faults", "0") != "0" else ""
    if told is None:
        problem = "does not answer commands"
    elif told.get("problem"):
        problem = str(told["problem"])
    version = values.get("version", "") or values.get("current_fw_version", "")
    restarts = values.get("restarts", "")
    if values.get("restart"):
        restarts = f"{restarts} ({values['restart']})"
    state, error = values.get("fw_state", ""), values.get("fw_error", "")
    heard = values.get(ACTIVITY, "")
    return Member(
        target.name,
        active,
        str((told or {}).get("version", version)),
        int(heard) if heard.isdecimal() else 0,
        values.get("starts", ""),
        restarts,
        problem,
        str((told or {}).get("waiting", "")),
        f"{state}: {error}" if state == "FAILED" and error else state,
    )


COLUMNS = ("device", "version", "heard", "starts", "restarts", "problem", "waiting", "update")


def table(members: list[Member], now_ms: int) -> Table:
    """Return the fleet as a table: who is silent is dim, who has a problem yellow."""
    result = Table(*COLUMNS)
    for column in (2, 3, 6):
        result.columns[column].justify = "right"
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
    return f"{devices}, {silent} silent, {troubled} with a problem"
