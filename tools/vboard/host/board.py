"""The supervisor of a virtual board: what the hardware around the processor does.

It restarts the interpreter after the fake `machine.reset()` and when an armed watchdog starves,
and after nothing else: a program that ends leaves the board at the REPL, as it does on a desk.
"""

import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tools import bytecode
from tools.vboard import protocol
from tools.vboard.host import files, interpreter, ports
from tools.vboard.host.appimage import app_image
from tools.vboard.host.clock import Clock, Sleeper, World
from tools.vboard.host.console import Console
from tools.vboard.host.flash import Flash
from tools.vboard.host.life import EXIT, STOP, End, Life
from tools.vboard.host.network import Network

ONCE_HEAP = "4M"  # of what is not the board's own program
ONCE_TIMEOUT_S = 120
RESTARTS = (protocol.RESET, protocol.WATCHDOG)
GOES_ON = (*RESTARTS, protocol.DEEP_SLEEP, protocol.SOFT)


class BoardError(Exception):
    """The board does no longer run, or a program on it failed; holds the end of its console."""


class Board:
    """A board with its flash; on_line is called with every line of its console.

    board is one of boards/, whose flash, heap, name and habits it has; UNIX is the interpreter on
    a Pico W's flash. Programs see sys.platform "linux" on all. heap is another one, as "100k". A
    board that is given no network has no module `network`: the host is on the net already. Given a
    console (a pseudo-terminal), a program that ends leads to the interpreter's prompt; else the
    board is stuck there. clock is UNSET or by how many seconds it is ahead of the right time;
    without one, the board has the host's clock.

    Given a world, the board's sleep takes no time, and world.time() jumps; such a board has a
    clock of its own. drift_ppm: by how much its timer is fast in a sleep, else that of its port.
    """

    def __init__(
        self,
        image: Path,
        heap: str | None = None,
        on_line: Callable[[str], None] | None = None,
        board: str = "UNIX",
        network: Network | None = None,
        console: Console | None = None,
        clock: str | float | None = None,
        world: World | None = None,
        drift_ppm: float | None = None,
    ):
        self.model = ports.model(board)
        self.flash = Flash(image, self.model.blocks)
        self.heap = heap or str(self.model.heap)
        self.own = 0  # bytes of the heap that were in use before the last program
        self.awake_s = 0.0  # from the start of boot.py on, sleep left out, until the last end
        self.wakes = 0  # starts that ended a sleep
        self._clock = None
        if clock is not None or world:
            self._clock = Clock(self._beside(".clock"), self.model.port.clock, world or World())
            self.set_clock(clock or 0)
        if drift_ppm is None:
            drift_ppm = self.model.port.drift_ppm if self._clock else 0
        self._sleeper = Sleeper(self._clock, world, drift_ppm, lambda: bool(self._switched_off))
        self._memory = self._beside(".rtc") if self.model.port.deep_sleep else None
        self.on_line = on_line
        self.network = network
        self.serial = console
        self.lines: list[str] = []
        self.ends: list[End] = []
        self.led = 0
        self._changed = threading.Condition()
        self._thread = None
        self._process = None
        self._cut = 0, False
        self._switched_off = ""  # "cut" or "stop" once that was done from outside

    def set_clock(self, clock: str | float) -> None:
        """Let the clock jump: UNSET, or by how many seconds it is ahead of the right time.

        An unset one is so again at every power-on, and on an RP2 after every reset.
        """
        self._clock.set(clock)

    # The flash, while the board is off

    def format(self) -> None:
        """Erase the flash and make an empty file system; an ESP32 gets firmware 1.0, too."""
        self.flash.erase()
        if self.model.apps:
            self.flash.write(ports.APP_AT, app_image("1.0", chip_id=self.model.chip_id))
        _succeeded(protocol.FORMAT, *self._once(protocol.FORMAT))

    def execute(self, script: Path, heap: str = ONCE_HEAP) -> str:
        """Run a MicroPython file, the flash at /, the host at /host, and return what it prints.

        BoardError if it raises.
        """
        return _succeeded(protocol.EXECUTE, *self.attempt(script, heap))

    def attempt(
        self, script: Path, heap: str = ONCE_HEAP, cut_at: int = 0, half: bool = False
    ) -> tuple[End, str]:
        """Run a file like execute(), whatever comes of it; power fails as with start().

        Return why it ended and what it has printed.
        """
        argument = str(Path(script).resolve())
        return self._once(protocol.EXECUTE, argument, heap=heap, cut_at=cut_at, half=half)

    def deploy(self, folder: Path, target: str = "/", compiled: bool = True) -> None:
        """Copy a folder's content to the flash, as bytecode unless told otherwise."""
        with tempfile.TemporaryDirectory() as temporary:
            if compiled:
                bytecode.copy_tree(Path(folder), Path(temporary))
                folder = temporary
            self._execute_text(files.copying(Path(folder), target))

    def read(self, path: str) -> bytes:
        """Return a file of the flash; BoardError if there is none."""
        return files.content(self._execute_text(files.reading(path)))

    # Power and console

    def start(self, cut_at: int = 0, half: bool = False) -> None:
        """Switch on. Power fails at flash operation cut_at of a start (1: the first; 0: never)."""
        if self.running:
            raise BoardError("the board is on already")
        self._switched_off = ""
        self.fail_at(cut_at, half)
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def fail_at(self, cut_at: int, half: bool = False) -> None:
        """Let power fail in flash operation cut_at of a start, from the next start on."""
        self._cut = cut_at, half

    def cut_power(self) -> None:
        """Switch off in the middle of whatever is going on."""
        self._off(protocol.CUT)

    def stop(self) -> None:
        """Switch off; nothing happens if it is off already."""
        self._off(STOP)

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def resets(self) -> Counter:
        """Count the restarts by their cause, "reset" and "watchdog"."""
        return Counter(end.cause for end in self.ends if end.cause in RESTARTS)

    @property
    def slept_s(self) -> float:
        """Return the seconds asleep so far, in light and in deep sleep."""
        return self._sleeper.slept_s

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
        cause = protocol.POWER_ON
        started = cause  # why, but for soft resets
        watchdog = None
        self._power_on()
        while cause == protocol.POWER_ON or cause in GOES_ON:
            command = protocol.BOOT
            if cause == protocol.SOFT:
                command = protocol.RAW if self.serial.raw else protocol.SOFT
            else:
                started = cause
                watchdog = None
                if cause in RESTARTS and self._clock and not self.model.port.deep_sleep:
                    self._clock.lose()
            life = interpreter.started(
                self.model,
                self.flash,
                self._heap_size(),
                *self._cut,
                command,
                started,
                self.network,
                self.serial,
                self._clock,
                self._memory,
            )
            end, seen = self._live(life, self._printed, self._lit, self.serial, watchdog)
            watchdog = seen.watchdog
            self.awake_s += seen.awake_s(end)
            self.wakes += seen.rested and end.cause == protocol.RESET
            cause = self._ended(end)
            if cause == protocol.DEEP_SLEEP:
                self._sleep(int(end.detail) if end.detail else None)
                if self._switched_off:
                    self._ended(end)
                    return
                self.wakes += 1

    def _power_on(self):
        if self._clock:
            self._clock.lose()
        if self._memory:
            self._memory.write_bytes(bytes(2))

    def _ended(self, end):
        with self._changed:
            if self._switched_off:
                end = End(self._switched_off, time.monotonic())
            self.ends.append(end)
            self._changed.notify_all()
        return end.cause

    def _sleep(self, asked_ms):
        # Deep sleep, to its end or that of the power.
        seconds = None if asked_ms is None else self._sleeper.duration(asked_ms)
        if seconds is not None and self._sleeper.skip(seconds):
            return
        began = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._switched_off, seconds)
        self._sleeper.slept(time.monotonic() - began)

    def _beside(self, suffix):
        return self.flash.image.with_name(self.flash.image.name + suffix)

    def _live(self, life, on_line, on_led, serial=None, watchdog=None):
        # One process, from its start to its end; and its watchdog.
        with life as (process, control):
            with self._changed:
                self._process = process
                if self._switched_off:
                    process.kill()
            seen = Life(
                serial or process.stdout,
                control,
                on_line,
                on_led,
                self._sleeper,
                self._clock,
                watchdog,
                serial is not None,
            )
            end = seen.run()
            self.own = seen.own
            if end.cause == EXIT:
                end.exit_code = process.wait()
                if serial and end.exit_code == 0:
                    end.cause = protocol.SOFT
                    serial.soft_reset()
                elif serial and seen.watchdog[1]:
                    end.cause = protocol.WATCHDOG
            with self._changed:
                self._process = None
        return end, seen

    def _heap_size(self):
        # The program gets what was asked for, the board's side what it needs beside that.
        units = {"k": 1024, "M": 1024 * 1024}
        unit = units.get(self.heap[-1], 1)
        asked = int(self.heap.rstrip("kM")) * unit
        own = self.model.port.own[self.network is not None, self._clock is not None]
        return str(asked + own)

    def _printed(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()
        if self.on_line:
            self.on_line(line)

    def _lit(self, value):
        with self._changed:
            self.led = value
            self._changed.notify_all()

    def _once(self, command, argument="", heap=ONCE_HEAP, cut_at=0, half=False):
        if self.running:
            raise BoardError("the board is on")
        self._switched_off = ""
        printed = []
        life = interpreter.started(self.model, self.flash, heap, cut_at, half, command, argument)
        timer = threading.Timer(ONCE_TIMEOUT_S, self._kill)
        timer.start()
        end, _ = self._live(life, printed.append, lambda value: None)
        timer.cancel()
        return end, "\n".join(printed)

    def _execute_text(self, code):
        with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
            script.write(code)
            script.flush()
            return self.execute(Path(script.name))

    def _kill(self):
        with self._changed:
            if self._process:
                self._process.kill()

    def _off(self, cause):
        with self._changed:
            self._switched_off = cause
            self._changed.notify_all()
        self._kill()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()


def _succeeded(command: str, end: End, printed: str) -> str:
    if end.cause != EXIT or end.exit_code:
        raise BoardError(f"{command}: {end.cause} {end.detail}\n{printed}")
    return printed
