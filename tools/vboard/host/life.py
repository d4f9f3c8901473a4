"""What the supervisor sees of one life of the interpreter, from power-on or reset to its end."""

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass

from tools.vboard import protocol
from tools.vboard.host.clock import Clock, Sleeper

STOP = "stop"
EXIT = "exit"


@dataclass
class End:
    """Why an interpreter ended, and when (seconds of time.monotonic).

    cause is one of the protocol's last words, "watchdog" (it starved), "stop" (the caller switched
    the board off) or "exit" (the interpreter itself ended, with this exit code).
    """

    cause: str
    at: float
    detail: str = ""
    exit_code: int = 0


class Life:
    """One life of the interpreter: reads its console and its words to the hardware until it ends.

    on_line(text) gets the console, on_led(value) the LED. The caller kills what is left of it.
    watchdog is that of the life before a soft reset. prompt: the interpreter's prompt follows a
    program, and its end is a soft reset. own: what the board's side takes of the heap, in bytes,
    once it has told. awake_s: seconds from the first program's start, but for light sleep; rested:
    it slept.
    """

    own = 0
    rested = False

    def __init__(
        self,
        console,
        control,
        on_line,
        on_led,
        sleeper: Sleeper,
        clock: Clock | None = None,
        watchdog=None,
        prompt=False,
    ):
        self._console = console
        self._control = control
        self._sleeper = sleeper
        self._clock = clock
        self._began = None  # when the first program started
        self._asleep_s = 0.0  # of the host's time since then
        self._asleep_since = None
        self._wakes_at = None
        self._streams = {console: on_line, control: self._word}
        self._buffers = {console: b"", control: b""}
        self._on_led = on_led
        self._timeout_s, self._deadline = watchdog or (None, None)
        self._prompt = prompt
        self._at_prompt = False
        self._end = None

    @property
    def watchdog(self) -> tuple[float | None, float | None]:
        """The timeout of the watchdog and when it bites; None: it is not armed."""
        return self._timeout_s, self._deadline

    def run(self) -> End:
        """Return why this life ended."""
        end = self._run()
        if self._asleep_since:
            self._slept()
        return end

    def awake_s(self, end: End) -> float:
        """Return how many seconds it was awake until it ended."""
        return 0.0 if self._began is None else end.at - self._began - self._asleep_s

    def _run(self):
        with selectors.DefaultSelector() as selector:
            for stream in self._streams:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(self._patience())
                for key, _ in ready:
                    if not self._read(key.fileobj):
                        selector.unregister(key.fileobj)
                if self._end and not self._waits():
                    return self._finish(selector)
                if self._wakes_at and time.monotonic() >= self._wakes_at:
                    self._slept()
                    self._answer()
                    continue
                # Judged only when nothing waits to be read: a feed may have come while we slept.
                if not ready and self._deadline and time.monotonic() > self._deadline:
                    where = " (at the REPL)" if self._end or self._at_prompt else ""
                    detail = f"not fed for {self._timeout_s} s{where}"
                    return End(protocol.WATCHDOG, time.monotonic(), detail)
        # A hard fault: the watchdog goes on.
        if self._deadline and not self._end and not self._prompt:
            return End(protocol.WATCHDOG, time.monotonic(), "the interpreter has died")
        return self._end or End(EXIT, time.monotonic(), "of the interpreter")

    def _finish(self, selector):
        # What was printed before the end is still in the pipe.
        while ready := selector.select(0):
            for key, _ in ready:
                if not self._read(key.fileobj):
                    selector.unregister(key.fileobj)
        return self._end

    def _waits(self):
        # At the REPL with the watchdog armed: it will bite.
        return self._end.cause == protocol.REPL and self._deadline is not None

    def _patience(self):
        instants = [at for at in (self._deadline, self._wakes_at) if at is not None]
        return max(0, min(instants) - time.monotonic()) if instants else None

    def _read(self, stream):
        try:
            data = stream.recv(65536) if isinstance(stream, socket.socket) else stream.read1(65536)
        except ConnectionResetError:  # it was killed before it had read our answer
            data = b""
        *lines, self._buffers[stream] = (self._buffers[stream] + data).split(b"\n")
        for line in lines:
            self._streams[stream](line.decode(errors="replace").rstrip("\r"))
        return data

    def _word(self, line):
        word, argument = protocol.parse(line)
        if word == protocol.WATCHDOG:
            self._timeout_s = int(argument) / 1000
        if word in (protocol.WATCHDOG, protocol.FEED):
            self._deadline = time.monotonic() + self._timeout_s
        elif word == protocol.OWN:
            self.own = int(argument)
            self._began = self._began or time.monotonic()
            if self._prompt:
                self._console.listen()
        elif word == protocol.SLEEP:
            self._sleep(argument)
        elif word == protocol.SET_CLOCK:
            self._clock.advance(float(argument))
            self._answer()
        elif word == protocol.PROMPT:
            self._at_prompt = True
        elif word == protocol.LED:
            self._on_led(int(argument))
        elif word in protocol.LAST_WORDS:
            self._end = End(word, time.monotonic(), argument)
        else:
            self._end = End(protocol.FAULT, time.monotonic(), f"no word of the protocol: {line}")

    def _sleep(self, argument):
        # Light sleep, in which the watchdog counts. Skipped, it may be over in the middle.
        self.rested = True
        now = time.monotonic()
        seconds = self._sleeper.duration(int(argument)) if argument else None
        bite = self._deadline - now if self._deadline else None
        starves = bite is not None and (seconds is None or bite < seconds)
        if (seconds is not None or starves) and self._sleeper.skip(bite if starves else seconds):
            if starves:
                detail = f"not fed for {self._timeout_s} s (in light sleep)"
                self._end = End(protocol.WATCHDOG, now, detail)
                return
            if bite is not None:
                self._deadline -= seconds
            self._answer()
            return
        self._asleep_since = now
        if seconds is not None:
            self._wakes_at = now + seconds

    def _slept(self):
        seconds = time.monotonic() - self._asleep_since
        self._asleep_since = self._wakes_at = None
        self._asleep_s += seconds
        self._sleeper.slept(seconds)

    def _answer(self):
        with contextlib.suppress(OSError):  # the power is gone
            self._control.sendall(b".")
