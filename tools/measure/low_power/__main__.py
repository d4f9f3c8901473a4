"""Runs in a network of its own; prints the rows of the result as JSON, each as it comes."""

import json
import tempfile
from pathlib import Path

from tools.measure.low_power import board, reports
from tools.measure.low_power.line import Line

RTT_MS = (50, 300)
RECORDS = (1, 6, 60)


def rows():
    """Give the rows of all ways, then those of the board."""
    delays = [rtt_ms / 2000 for rtt_ms in RTT_MS]
    with (
        tempfile.TemporaryDirectory() as folder,
        Line() as line,
        reports.servers(Path(folder)) as servers,
    ):
        for secure in (False, True):
            for records in RECORDS:
                for line.delay_s in delays:
                    for way in reports.WAYS:
                        yield reports.row(line, servers, way, secure, records)
                yield from board.rows(line, servers, secure, records, delays)


if __name__ == "__main__":
    for row in rows():
        print(json.dumps(row), flush=True)
