import pytest

# Helpers, too, show what a failed assert compared.
pytest.register_assert_rewrite("tests.support", "tests.system", "tests.power", "tests.interop")
