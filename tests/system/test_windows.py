"""The table of windows in docs/updates.md is what `python -m tools.measure.windows` prints."""

from tools.measure.windows.__main__ import measure, table
from tools.unixport import ROOT


def test_the_table_of_the_documentation():
    cells = measure()
    printed = table(cells)
    page = (ROOT / "docs" / "updates.md").read_text()
    assert printed in page, f"docs/updates.md should have this table instead:\n{printed}"


def test_no_download_is_faster_than_its_window():
    for cell in measure(seeds=1):
        round_trips = 2 + 126 / cell["window"]  # block 0 and the last one are alone
        assert cell["seconds"] > round_trips * cell["rtt_ms"] / 1000
