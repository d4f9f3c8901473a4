"""Shared by all tests; the unit tests have a harness of their own (tests/harness)."""
