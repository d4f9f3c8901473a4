"""An application as the files of a package: folders, each under its own name."""

from collections.abc import Iterable, Set
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from tools import boards, bytecode
from tools.unixport import LIBRARIES, ROOT

# The folders of the firmware's application: what an update replaces.
REPLACEABLE = [ROOT / "firmware" / "app", *(lib / lib.name for lib in LIBRARIES)]


class Extra(str, Enum):
    """What most boards do not need stays out: a Pico W has flash for three copies, hardly more."""

    protobuf = "protobuf"
    low_power = "low-power"


EXTRAS = {
    Extra.protobuf: {
        "app/schemas.mpy",
        "thingsboard/payload_protobuf.mpy",
        "thingsboard/protobuf.mpy",
    },
    Extra.low_power: {"app/awake.mpy", "app/sleeping.mpy", "thingsboard/visit.mpy"},
}
With = Annotated[
    list[Extra] | None,
    typer.Option("--with", help="for boards whose settings want it; may be repeated"),
]
PARTITIONS = {"abupdate/partition_slot.mpy"}  # for boards with a second partition for firmware


def collect(folders: list[Path], leave_out: Set[str] = frozenset()) -> list[tuple[str, bytes]]:
    """Return (name, content) of all that is in these folders, each under its own name.

    Sorted, so that the order does not depend on the host. leave_out has names that stay out. The
    rest is as in bytecode.collect().
    """
    return sorted(
        file
        for folder in folders
        for file in bytecode.collect(folder, Path(Path(folder).resolve().name))
        if file[0] not in leave_out
    )


def wanted(settings: dict) -> set[Extra]:
    """Return what a board with these settings needs."""
    extras = set()
    if str(settings.get("payload")).strip() == "protobuf":
        extras.add(Extra.protobuf)
    if str(settings.get("report_every") or 0).strip() not in ("", "0"):
        extras.add(Extra.low_power)
    return extras


def needless(builds: list[str], extras: Iterable[Extra]) -> set[str]:
    """Return what boards of these builds (sys.implementation._build) do without.

    extras: what some of them need. A build that is not in boards/ may need all the rest.
    """
    known = {boards.load(name).build: boards.load(name) for name in boards.names()}
    partitions = any(name not in known or "firmware" in known[name].update for name in builds)
    left_out = set() if partitions else set(PARTITIONS)
    return left_out.union(*[EXTRAS[extra] for extra in set(Extra) - set(extras)])
