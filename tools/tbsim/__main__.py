"""`python -m tools.tbsim`."""

from .cli import app

app()
