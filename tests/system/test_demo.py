"""What `make demo` says of a download; the demo itself is run by hand."""

import pytest

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
