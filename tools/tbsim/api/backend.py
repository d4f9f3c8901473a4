"""The queues between the transport, which speaks CoAP, and the core, which knows the devices.

Each side looks into its queue once in a poll of 25 ms. So an answer comes with one of the next
polls, answers to requests that ran side by side come out of order, and a change in the store
reaches the device a moment after it was made. While the server starts the core takes nothing.
"""

import math
from collections.abc import Callable

from ..wire.messages import MessageLayer

RESETS_S = 1.0  # before the core is ready a package is refused by RST, earlier by silence


class Backend:
    """Calls back when the core would have answered; at once if a poll takes no time."""

    def __init__(self, layer: MessageLayer):
        self.layer = layer
        self._due: dict[float, list[Callable[[], None]]] = {}  # time of a poll: what it brings
        self._ready = -math.inf  # when the core has started

    def restart(self) -> None:
        """Forget what is in the queues, and let the core start."""
        self._due.clear()
        timing = self.layer.timing
        self._ready = self.layer.now() + self.layer.random.uniform(
            timing.start_least, timing.start_most
        )

    @property
    def starting(self) -> bool:
        return self.layer.now() < self._ready

    @property
    def resets(self) -> bool:
        """Whether the core is so close to its start that requests fail instead of waiting."""
        return self.starting and self._ready - self.layer.now() < RESETS_S

    def answer(self, polls: int, call: Callable[[], None]) -> None:
        """Call after so many polls, or one more."""
        late = self.layer.random.random() < self.layer.switches.late
        self._call_in(polls + late, call)

    def push(self, call: Callable[[], None]) -> None:
        """Call with the next poll, in the order of the calls to this method."""
        self._call_in(1, call)

    def _call_in(self, polls: int, call: Callable[[], None]) -> None:
        poll, now = self.layer.timing.poll, self.layer.now()
        start = max(now, self._ready)
        if not poll and start <= now:
            call()
            return
        # What comes in the second half of a poll is seen with the one after the next.
        when = (math.floor(start / poll + 0.5) + polls) * poll if poll else start
        if when not in self._due:
            self._due[when] = []
            self.layer.later(when - now, lambda: self._poll(when))
        self._due[when].append(call)

    def _poll(self, when: float) -> None:
        for call in self._due.pop(when, ()):
            call()
