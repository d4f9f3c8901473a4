"""What a roll-out is about: a package and devices, by the server's ids. Knows no network."""

import re
from dataclasses import dataclass, field

TYPES = {"fw": "FIRMWARE", "sw": "SOFTWARE"}  # the server's words for the kinds
FIELDS = {"fw": "firmwareId", "sw": "softwareId"}  # of a device and of a profile
SOME = 5  # names in a sentence
NUMBER = re.compile(r"-?\d*\.?\d+", re.ASCII)


@dataclass(frozen=True)
class Release:
    """A package by its title and version; data: its bytes, None if the server has them."""

    title: str
    version: str
    kind: str
    data: bytes | None
    size: int
    id: str = ""  # on the server; empty until it is there

    def __str__(self) -> str:
        return f"{self.title} {self.version}"


@dataclass(frozen=True)
class Target:
    """A device of the server. assigned: by kind, the id of the package that it has itself."""

    id: str
    name: str
    profile_id: str
    profile: str
    active: bool = False
    assigned: dict[str, str | None] = field(default_factory=dict)


def same_version(told: str, version: str) -> bool:
    """Whether the server's text for a version is this one: it keeps 1.10 as 1.1."""
    if told == version:
        return True
    if NUMBER.fullmatch(told) and NUMBER.fullmatch(version):
        return float(told) == float(version)
    return False


def printable(text: str) -> str:
    """Return a text of one line that cannot move the cursor: devices tell what they like."""
    return "".join(c if c.isprintable() else "?" for c in text)


def some(names: list[str]) -> str:
    """Return a few names for a sentence, and how many more there are."""
    more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
    return ", ".join(names[:SOME]) + more
