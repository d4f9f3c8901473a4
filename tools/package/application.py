"""An application as the files of a package: folders, each under its own name."""

from collections.abc import Set
from pathlib import Path

from tools import boards, bytecode
from tools.unixport import LIBRARIES, ROOT

# The folders of the firmware's application: what an update replaces.
REPLACEABLE = [ROOT / "firmware" / "app", *(lib / lib.name for lib in LIBRARIES)]


# What most boards do not need stays out: a Pico W has flash for three copies and little more.
PROTOBUF = {
    "app/schemas.mpy",
    "thingsboard/payload_protobuf.mpy",
    "thingsboard/protobuf.mpy",
}
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


def needless(builds: list[str], protobuf: bool) -> set[str]:
    """Return what boards of these builds (sys.implementation._build) do without.

    protobuf: whether one of them has a Protobuf profile. A build that is not in boards/ may need
    all the rest.
    """
    known = {boards.load(name).build: boards.load(name) for name in boards.names()}
    partitions = any(name not in known or "firmware" in known[name].update for name in builds)
    return (set() if partitions else PARTITIONS) | (set() if protobuf else PROTOBUF)
