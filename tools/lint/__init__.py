"""`make lint`: what ruff does not see."""
