"""The firmware's application as a signed update for boards in the field."""

from collections.abc import Collection
from pathlib import Path

from tools import boards
from tools.package import application, container, keys
from tools.release import Refused

TITLE = "firmware"


def build(
    key: Path, version: str, sequence: int, extras: Collection[application.Extra] = ()
) -> bytes:
    """Return the package, signed with a key that is there. Raises Refused, OSError, KeyFileError.

    sequence: higher than that of the last update; boards take no lower one. extras: what some
    boards need beside the rest.
    """
    if sequence < 1:
        raise Refused("an update wants a sequence number, higher than the last one: SEQUENCE=n")
    builds = sorted({boards.load(name).build for name in boards.names()})
    left_out = application.needless(builds, extras)
    return container.build(
        keys.load(key),
        application.collect(application.REPLACEABLE, left_out),
        kind="app",
        title=TITLE,
        version=version,
        boards=builds,
        sequence=sequence,
    )
