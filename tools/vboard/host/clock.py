"""The time of a virtual board's world, the board's own clock, and what sleeping does to both."""

import os
import time
from collections.abc import Callable
from pathlib import Path

UNSET = "unset"
WIDTH = 16  # characters of the file


class World:
    """The time around a board: the host's, and ahead of it by what the board has slept.

    A board that is given one takes no real time to sleep: the world's time jumps. Whatever must
    agree with it on the time, as the simulator, takes `time` for its clock. One board only can
    move it.
    """

    def __init__(self):
        self.ahead_s = 0.0
        self._plan = []

    def time(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self.ahead_s

    def plan(self, at: float, action: Callable[[], object]) -> None:
        """Let something happen at a time; it does when a sleep has come so far.

        It is called in the thread of the board, which may be switched off there.
        """
        self._plan.append((at, action))
        self._plan.sort(key=lambda planned: planned[0])

    def skip(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> float:
        """Let the time jump, and happen what is planned; return by how many seconds.

        They are fewer once stop() is true after something has happened.
        """
        end = self.ahead_s + seconds
        begin = self.ahead_s
        while self._plan and self._plan[0][0] - time.time() <= end:
            at, action = self._plan.pop(0)
            self.ahead_s = max(self.ahead_s, at - time.time())
            action()
            if stop():
                return self.ahead_s - begin
        self.ahead_s = end
        return seconds


class Clock:
    """A board's own clock: a file that says how many milliseconds it is ahead of the host's.

    unset_s: what an unset one says, in seconds since 1970.
    """

    def __init__(self, file: Path, unset_s: int, world: World):
        self.file = file
        self._unset_s = unset_s
        self._world = world
        self._ahead_s = 0.0
        self._starts_unset = False
        file.parent.mkdir(parents=True, exist_ok=True)

    def set(self, clock: str | float) -> None:
        """Let it jump: UNSET, as at every power-on, or seconds ahead of the world's, for good."""
        self._starts_unset = clock == UNSET
        if self._starts_unset:
            self.lose()
        else:
            self._write(self._world.ahead_s + clock)

    def lose(self) -> None:
        """What a reset does that the clock does not survive; one that was set for good stays."""
        if self._starts_unset:
            self._write(self._unset_s - time.time())

    def advance(self, seconds: float) -> None:
        """Move it forward beside what passes on the host."""
        self._write(self._ahead_s + seconds)

    def _write(self, ahead_s):
        # In place and in one piece: the board may be reading.
        self._ahead_s = ahead_s
        file = os.open(self.file, os.O_WRONLY | os.O_CREAT)
        os.pwrite(file, f"{round(ahead_s * 1000):{WIDTH}}".encode(), 0)
        os.close(file)


class Sleeper:
    """What time does while a board sleeps, by a timer that is drift_ppm too fast.

    The board's own clock counts by the same timer meanwhile. world is given where sleeping takes
    no time of the host. switched_off() tells that the power is gone. slept_s: seconds asleep so
    far, in light and in deep sleep.
    """

    def __init__(
        self,
        clock: Clock | None,
        world: World | None,
        drift_ppm: float,
        switched_off: Callable[[], bool],
    ):
        self.slept_s = 0.0
        self._clock = clock
        self._world = world
        self._rate = 1 + drift_ppm / 1e6
        self._switched_off = switched_off

    def duration(self, asked_ms: int) -> float:
        """Return how many seconds a sleep of asked_ms lasts."""
        return asked_ms / 1000 / self._rate

    def skip(self, seconds: float) -> bool:
        """Sleep without delay; return False if the host's time has to pass instead."""
        if not self._world:
            return False
        seconds = self._world.skip(seconds, self._switched_off)
        self.slept_s += seconds
        if self._clock:
            self._clock.advance(seconds * self._rate)
        return True

    def slept(self, seconds: float) -> None:
        """The board has slept while so many seconds passed on the host."""
        self.slept_s += seconds
        if self._clock:
            self._clock.advance(seconds * (self._rate - 1))
