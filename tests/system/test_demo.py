"""What `make demo` says of a download and of its page; the demo itself is run by hand."""

import re
import urllib.request

import pytest

from tools.demo import __main__ as demo
from tools.demo.updates import rate
from tools.tbsim.model.packages import Served


@pytest.mark.parametrize(
    "parts, kib_per_s",
    [
        ([], 0),
        ([Served(5.0, 0, 1024)], 0),
        # Four blocks in the two seconds after the first.
        ([Served(5.0 + n / 2, 1024 * n, 1024) for n in range(5)], 2),
    ],
)
def test_rate_of_a_download(parts, kib_per_s):
    assert rate(parts) == kib_per_s


def test_it_shows_a_page_while_it_plays_and_ends_with_the_command_for_another(monkeypatch, capsys):
    def step(stage):
        """The page is there."""
        with urllib.request.urlopen(stage.page.url, timeout=5) as response:
            assert "ThingsBoard simulator" in response.read().decode()
        return stage.page.url

    monkeypatch.setattr(demo, "STEPS", [("page", step)])
    monkeypatch.setattr(demo, "RESULT", demo.BUILD / "demo-page.json")
    assert demo.main() == 0
    said = capsys.readouterr().out.replace("\n", " ")
    (url,) = re.findall(r"watch it at (\S+)", said)
    assert said.rstrip().endswith("make sim, then http://127.0.0.1:8080")
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=5)
