"""The supervisor of a virtual board: what the hardware around the processor does.

It restarts the interpreter after the fake `machine.reset()` and when an armed watchdog starves,
and after nothing else: a program that ends leaves the board at the REPL, as it does on a desk.
"""

import atexit
import contextlib
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tools.unixport import environment, micropython
from tools.vboard import appimage, deploy
from tools.vboard.flash import BLOCKS, ESP32_BLOCKS, Flash
from tools.vboard.life import End, Life

HEAP = "160k"
EXECUTE_TIMEOUT_S = 120


class BoardError(Exception):
    """The board does no longer run, or a program on it failed; holds the end of its console."""


class Board:
    """A board with its flash; on_line is called with every line of its console.

    port "rp2" is a Pico W, whose flash holds nothing but the file system; "esp32" an ESP32 with
    the partitions of ESP32_GENERIC's OTA variant. Programs see sys.platform "linux" on both.
    """

    def __init__(
        self,
        image: Path,
        heap: str = HEAP,
        on_line: Callable[[str], None] | None = None,
        port: str = "rp2",
    ):
        self.port = port
        self.flash = Flash(image, ESP32_BLOCKS if port == "esp32" else BLOCKS)
        self.heap = heap
        self.on_line = on_line
        self.lines: list[str] = []
        self.ends: list[End] = []
        self.led = 0
        self._changed = threading.Condition()
        self._thread = None
        self._process = None
        self._last_word = ""

    # The flash, while the board is off

    def format(self) -> None:
        """Erase the flash and make an empty file system; an ESP32 gets firmware 1.0, too."""
        self.flash.erase()
        if self.port == "esp32":
            self.flash.write(appimage.OTA_0, appimage.app_image("1.0"))
        self._once("format")

    def execute(self, script: Path, heap: str = "4M") -> str:
        """Run a MicroPython file, the flash at /, the host at /host, and return what it prints.

        BoardError if it raises.
        """
        return self._once("execute", str(Path(script).resolve()), heap=heap)

    def deploy(self, folder: Path, target: str = "/", compiled: bool = True) -> None:
        """Copy a folder's content to the flash, as bytecode unless told otherwise."""
        deploy.deploy(self, Path(folder), target, compiled)

    def read(self, path: str) -> bytes:
        """Return a file of the flash; BoardError if there is none."""
        return deploy.read(self, path)

    # Power and console

    def start(self, cut_at: int = 0, half: bool = False) -> None:
        """Switch on. Power fails at flash operation cut_at (1 is the first; 0 never)."""
        if self.running:
            raise BoardError("the board is on already")
        self._cut = [str(cut_at), str(int(half))]
        self._last_word = ""
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def cut_power(self) -> None:
        """Switch off in the middle of whatever is going on."""
        self._off("cut")

    def stop(self) -> None:
        """Switch off; nothing happens if it is off already."""
        self._off("stop")

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def resets(self) -> Counter:
        """Count the restarts by their cause, "reset" and "watchdog"."""
        return Counter(end.cause for end in self.ends if end.cause in ("reset", "watchdog"))

    def wait_line(self, pattern: str, timeout_s: float, after: int = 0) -> re.Match:
        """Wait for a console line that matches; lines before number `after` do not count.

        BoardError if the board ends before or the time is over.
        """
        position = after

        def search():
            nonlocal position
            while position < len(self.lines):
                position += 1
                if match := re.search(pattern, self.lines[position - 1]):
                    return match

        return self.wait(search, timeout_s, f"a line {pattern!r}")

    def wait(self, condition: Callable[[], object], timeout_s: float, what: str = "the condition"):
        """Wait until condition() is true and return it; it is asked whenever something happens."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not (value := condition()):
                if not self.running:
                    raise BoardError(f"the board ended before {what}\n{self.console()}")
                if time.monotonic() > deadline:
                    raise BoardError(f"no {what} in {timeout_s} s\n{self.console()}")
                self._changed.wait(0.2)
        return value

    def wait_end(self, timeout_s: float) -> End:
        """Wait until the board runs no more and return why."""
        self._thread.join(timeout_s)
        if self.running:
            raise BoardError(f"still running after {timeout_s} s\n{self.console()}")
        return self.ends[-1]

    def console(self, lines: int = 20) -> str:
        """Return the end of the console, and the last word of the hardware."""
        ends = ", ".join(f"{end.cause} {end.detail}".strip() for end in self.ends[-3:])
        return "\n".join([*self.lines[-lines:], f"[ended: {ends or 'never'}]"])

    # The supervisor

    def _supervise(self):
        cause = "power-on"
        while cause in ("power-on", "reset", "watchdog"):
            with self._boot("boot", cause) as (process, control):
                end = Life(process.stdout, control, self._printed, self._led).run()
            with self._changed:
                if self._last_word:  # switched off from outside
                    end = End(self._last_word, time.monotonic())
                self.ends.append(end)
                self._process = None
                self._changed.notify_all()
            cause = end.cause

    def _printed(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()
        if self.on_line:
            self.on_line(line)

    def _led(self, value):
        with self._changed:
            self.led = value
            self._changed.notify_all()

    @contextlib.contextmanager
    def _boot(self, *command, cut=None, heap=None):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = subprocess.Popen(
                [micropython(), "-X", f"heapsize={heap or self.heap}", "-m", "vboot"]
                + [str(theirs.fileno()), self.port]
                + [str(self.flash.image), str(self.flash.wear_file)]
                + [*(cut or self._cut), *command],
                env=environment(deploy.device_folder()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            atexit.register(process.kill)
            theirs.close()
            with self._changed:
                self._process = process
                if self._last_word:
                    process.kill()
            try:
                yield process, ours
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
                atexit.unregister(process.kill)

    def _once(self, *command, heap="4M") -> str:
        if self.running:
            raise BoardError("the board is on")
        self._last_word = ""
        output = []
        with self._boot(*command, cut=["0", "0"], heap=heap) as (process, control):
            timer = threading.Timer(EXECUTE_TIMEOUT_S, process.kill)
            timer.start()
            end = Life(process.stdout, control, output.append, lambda value: None).run()
            timer.cancel()
            self._process = None
            if end.cause != "exit" or process.wait():
                console = "\n".join(output)
                raise BoardError(f"{command[0]}: {end.cause} {end.detail}\n{console}")
        return "\n".join(output)

    def _off(self, cause):
        with self._changed:
            self._last_word = cause
            if self._process:
                self._process.kill()
        if self._thread:
            self._thread.join()
