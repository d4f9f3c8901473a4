"""Processes that tests start."""

import signal


def hears_ctrl_c() -> None:
    """Let a child hear Ctrl-C, which a shell in the background has it ignore; for preexec_fn."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
