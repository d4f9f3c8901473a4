"""Makes `tests` import the host tools; the unit tests have a harness of their own (tests/harness)."""
