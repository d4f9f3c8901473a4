"""Import this before tests that hypothesis generates: each run generates the same.

Only the folders that have such tests import it: hypothesis takes most of a second.
"""

import tempfile

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
# What hypothesis remembers all the same is not for the checkout.
_home = tempfile.TemporaryDirectory()
set_hypothesis_home_dir(_home.name)
