"""The console of a virtual board over a pseudo-terminal, as slow as a serial line.

Two of them: a host tool opens the outer one by its path; the interpreter has the inner one, a new
one in each life. What passes between them is held to the baud rate.
"""

import collections
import os
import termios
import threading
import time
import tty

BYTES_PER_S = 115200 // 10
_CHUNK = 64
_KEPT = 65536  # of what the board prints while nobody reads
_RAW_ON = b"\x01"
_RAW_OFF = b"\x02"
_CTRL_C = b"\x03"
_PROMPT = b">>> "
_START_S = 20.0  # an interpreter that has not started by then will not
_PROMPT_S = 1.0  # until the prompt comes after Ctrl-C; a raw one says nothing


class Console:
    """path is what a host tool opens. raw: whether the tool last asked for the raw REPL."""

    def __init__(self):
        self._outer, self._kept_open = os.openpty()  # so no hang-up when a tool leaves
        tty.setraw(self._kept_open)
        self.path = os.ttyname(self._kept_open)
        self.raw = False
        self._inner = None
        self._listens = threading.Event()
        self._returns = False  # to the raw REPL, as soon as there is a prompt
        self._prompted = threading.Event()  # a prompt has come since the last Ctrl-C
        self._last = b""
        self._out: collections.deque[bytes] = collections.deque(maxlen=_KEPT // _CHUNK)
        self._printed = threading.Event()
        os.set_blocking(self._outer, True)
        for work in (self._carry_in, self._carry_out):
            threading.Thread(target=work, daemon=True).start()

    def open(self) -> int:
        """Return a new terminal for an interpreter; what is typed waits for listen()."""
        self._listens.clear()
        self._inner, slave = os.openpty()
        mode = termios.tcgetattr(slave)
        mode[0] &= ~(termios.ICRNL | termios.IXON)
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        for key in (termios.VQUIT, termios.VSUSP):  # Ctrl-C alone means something on a board
            mode[6][key] = b"\0"
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        return slave

    def listen(self) -> None:
        """Let the interpreter have what is typed: its start is done, which none interrupts."""
        self._listens.set()

    def fileno(self) -> int:
        return self._inner

    def read1(self, size: int) -> bytes:
        """Return what the interpreter has printed; b"" at its end."""
        try:
            data = os.read(self._inner, size)
        except OSError:
            return b""
        if self._returns and _PROMPT in self._last + data:
            self._returns = False
            os.write(self._inner, _RAW_ON)
        if _PROMPT in self._last + data:
            self._prompted.set()
        # The interpreter's line ends pass a terminal that adds a carriage return to them.
        twice = self._last.endswith(b"\r") and data.startswith(b"\r")
        self._last = data[-len(_PROMPT) :]
        self._say(data[twice:].replace(b"\r\r", b"\r"))
        return data

    def close(self) -> None:
        """The interpreter has ended."""
        inner, self._inner = self._inner, None
        self._listens.set()
        os.close(inner)

    def soft_reset(self) -> None:
        """Say so, and come back to the raw REPL where that was on."""
        self._say(b"MPY: soft reboot\r\n")
        self._returns = self.raw

    def _say(self, data):
        for start in range(0, len(data), _CHUNK):
            self._out.append(data[start : start + _CHUNK])
        self._printed.set()

    def _carry_in(self):
        while True:
            data = os.read(self._outer, _CHUNK)
            for byte in data:
                if bytes([byte]) in (_RAW_ON, _RAW_OFF):
                    self.raw = byte == _RAW_ON[0]
            # The interpreter throws away what came before its prompt; a board's UART keeps it.
            before, ctrl_c, after = data.rpartition(_CTRL_C)
            if ctrl_c:
                self._prompted.clear()
                self._write(before + ctrl_c)
                self._prompted.wait(_PROMPT_S)
            self._write(after)
            time.sleep(len(data) / BYTES_PER_S)

    def _write(self, data):
        self._listens.wait(_START_S)
        inner = self._inner
        if inner is not None:
            try:
                os.write(inner, data)
            except OSError:
                pass  # between two lives nobody listens

    def _carry_out(self):
        while True:
            self._printed.wait()
            self._printed.clear()
            while self._out:
                data = self._out.popleft()
                os.write(self._outer, data)
                time.sleep(len(data) / BYTES_PER_S)
