"""The switches of the server and of the link, as a form: what each is, and what it may become.

A kind is bool, chance (percent), number or features, a list of the device API's paths. An `unset`
number is None, shown as nothing.
"""

import math
from dataclasses import dataclass

from ...api.resources import FEATURES
from ...simulator import Simulator

LARGEST = 1_000_000


@dataclass(frozen=True)
class Mood:
    """A field of `sim.switches` or of `sim.link`."""

    owner: str
    name: str
    kind: str
    label: str
    unset: bool = False
    whole: bool = False

    @property
    def id(self) -> str:
        return f"{self.owner}.{self.name}"


MOODS = [
    Mood("link", "loss_up", "chance", "lost on the way up"),
    Mood("link", "loss_down", "chance", "lost on the way down"),
    Mood("link", "delay_ms", "number", "delay, ms one way"),
    Mood("link", "duplicate", "chance", "duplicated"),
    Mood("link", "reorder", "chance", "overtaken by later ones"),
    Mood("link", "reorder_ms", "number", "... and then later by, ms"),
    Mood("link", "max_bytes", "number", "largest datagram, bytes", unset=True, whole=True),
    Mood("switches", "rate_limited", "number", "requests to refuse by 5.00", whole=True),
    Mood("switches", "backend_delay", "number", "seconds before any answer"),
    Mood("switches", "silent_core", "bool", "attribute reads stay unanswered"),
    Mood("switches", "mute", "features", "no answer, not even an ACK, to POST"),
    Mood("switches", "late", "chance", "answers a poll late"),
    Mood("switches", "withheld", "chance", "last notification of a burst withheld"),
    Mood("switches", "update_first", "chance", "assignment tells its update first"),
    Mood("switches", "told_again", "chance", "2.02 before a repeated registration"),
    Mood("switches", "tell_replaced", "bool", "2.02 when an observation is replaced"),
    Mood("switches", "replace_burst", "bool", "a newer notification replaces a waiting one"),
    Mood("switches", "piggyback_typed", "bool", "typed answers in the ACK"),
]
BY_ID = {mood.id: mood for mood in MOODS}


def form(sim: Simulator) -> list[dict]:
    """Return the fields of the form with their values; chances in percent."""
    return [field(mood, getattr(getattr(sim, mood.owner), mood.name)) for mood in MOODS]


def field(mood: Mood, value) -> dict:
    shown = {"id": mood.id, "owner": mood.owner, "kind": mood.kind, "label": mood.label}
    if mood.kind == "chance":
        value = round(100 * value, 2)
    if mood.kind == "features":
        shown["features"] = FEATURES
    return shown | {"value": value}


def turn(sim: Simulator, id: str, value) -> None:
    """Set a switch to what the form says; ValueError says what is expected."""
    mood = BY_ID.get(id)
    if not mood:
        raise ValueError(f"there is no switch {id}")
    setattr(getattr(sim, mood.owner), mood.name, taken(mood, value))


def taken(mood: Mood, value):
    """Return the value for the simulator; ValueError for what does not fit."""
    if mood.kind == "bool":
        if not isinstance(value, bool):
            raise ValueError(f"{mood.label}: expected true or false")
        return value
    if mood.kind == "features":
        if not isinstance(value, list) or not all(name in FEATURES for name in value):
            raise ValueError(f"{mood.label}: expected some of {', '.join(FEATURES)}")
        return tuple(value)
    if value is None and mood.unset:
        return None
    most = 100 if mood.kind == "chance" else LARGEST
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not 0 <= value <= most:
        raise ValueError(f"{mood.label}: expected a number from 0 to {most}")
    if mood.whole and value != int(value):
        raise ValueError(f"{mood.label}: expected a whole number")
    if mood.kind == "chance":
        return value / 100
    return int(value) if mood.whole else value
