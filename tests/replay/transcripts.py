"""The datagrams of a whole ThingsBoard 4.4 and its devices, as they were seen on the wire.

Each has a label, which says what it shows; there are 494. Times count from the start of a session.
A label seen in two sessions has the datagrams of both, one after the other.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

RECORD = Path(__file__).with_name("real-server.jsonl.gz")
# Two requests were recorded without their ends; these were their sizes.
SIZES = {"g datagram of 2048": 2048, "g datagram of 2049": 2049}


@dataclass(frozen=True)
class Row:
    """One datagram. index: the place among those of its label in its session."""

    label: str
    time: float
    up: bool
    datagram: bytes
    session: int
    index: int


def labels() -> dict[str, list[dict]]:
    """Return the recorded lines by label, in the order of the record."""
    found = {}
    for line in gzip.decompress(RECORD.read_bytes()).splitlines():
        line = json.loads(line)
        found.setdefault(line["label"], []).append(line)
    return found


def whole(label: str, text: str) -> bytes:
    """Return the datagram of a recorded text, with its end if that was left out."""
    if not text.endswith("..."):
        return bytes.fromhex(text)
    head = bytes.fromhex(text[:-3])
    return head + b"x" * (SIZES[label] - len(head) - 2) + b'"}'


def rows_of(label: str, lines: list[dict]) -> list[Row]:
    rows, session, index, last = [], 0, 0, 0.0
    for line in lines:
        if line["t"] < last:
            session, index = session + 1, 0
        last = line["t"]
        datagram = whole(label, line["hex"])
        rows.append(Row(label, last, line["dir"] == "C>S", datagram, session, index))
        index += 1
    return rows


# Recorded at another socket, by its own clock: label: ahead of which datagram it came.
MEANWHILE = {"o old port": ("o other port", 1)}
# The server forgot this one for 12 s, and was asked other things meanwhile.
ALONE = "x X509 chain by the provisioning API"


def scenes() -> list[list[Row]]:
    """Return all rows in the order in which they happened, cut where a session began."""
    groups, first, last = [], 0.0, ""
    for label, lines in labels().items():
        starts = lines[0]["t"] < first or ALONE in (label, last)
        if (not groups or starts) and label not in MEANWHILE:
            groups.append([])
        first, last = lines[0]["t"], label
        groups[-1] += rows_of(label, lines)
    found = []
    for group in groups:
        for session in sorted({row.session for row in group}):
            rows = [row for row in group if row.session == session]
            found.append(sorted(rows, key=lambda row: row.time))
    return [with_meanwhile(rows) for rows in found]


def with_meanwhile(rows: list[Row]) -> list[Row]:
    for label, place in MEANWHILE.items():
        moved = [row for row in rows if row.label == label]
        if moved:
            rows = [row for row in rows if row.label != label]
            at = [(row.label, row.index) for row in rows].index(place)
            rows[at:at] = moved
    return rows
