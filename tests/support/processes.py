"""Programs of the project that a test starts, hears and ends as a person does."""

import signal
import subprocess
import sys
import threading

from tools.unixport import ROOT


class Program:
    """`python -m MODULE ...` while it runs; said has its lines so far."""

    def __init__(self, *words: str):
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            # A shell in the background has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._reading = threading.Thread(
            target=lambda: self.said.extend(self.process.stdout), daemon=True
        )
        self._reading.start()

    def ctrl_c(self) -> int:
        """Press Ctrl-C; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(10)
        self._reading.join(5)
        return code
