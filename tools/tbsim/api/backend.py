"""The queues between the transport, which speaks CoAP, and the core, which knows the devices.

Each side looks into its queue once in a poll of 25 ms. So an answer comes with one of the next
polls, answers to requests that ran side by side come out of order, and a change in the store
reaches the device a moment after it was made. While the server starts the core takes nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ..wire.messages import MessageLayer

RESETS_S = 1.0  # before the core is ready a NON for a package gets an RST, earlier nothing


@dataclass
class Poll:
    """What is done when a queue is looked into."""

    answers: list[Callable[[], None]] = field(default_factory=list)
    pushed: list[Callable[[], None]] = field(default_factory=list)


class Backend:
    """Calls back when the core would have answered; at once if a poll takes no time."""

    def __init__(self, layer: MessageLayer):
        self.layer = layer
        self._due: dict[float, Poll] = {}  # by the time of the poll
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
        """Whether the core is so close to its start that NONs fail instead of being lost."""
        return self.starting and self._ready - self.layer.now() < RESETS_S

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._due

    def answer(self, polls: int, call: Callable[[], None]) -> None:
        """Call after so many polls, or one more, among what else such a poll brings."""
        if self._at_once:
            call()
        else:
            late = self.layer.random.random() < self.layer.switches.late
            self._poll_after(polls + late).answers.append(call)

    def push(self, call: Callable[[], None]) -> None:
        """Call with the next poll, ahead of its answers, in the order of calls to this method."""
        if self._at_once:
            call()
        else:
            self._poll_after(1).pushed.append(call)

    @property
    def _at_once(self) -> bool:
        return not self.layer.timing.poll and not self.starting

    def _poll_after(self, polls: int) -> Poll:
        """Return what the poll after so many is to bring."""
        poll, now = self.layer.timing.poll, self.layer.now()
        start = max(now, self._ready)
        # What comes in the second half of a poll is seen with the one after the next.
        when = (math.floor(start / poll + 0.5) + polls) * poll if poll else start
        if when not in self._due:
            self._due[when] = Poll()
            self.layer.later(when - now, lambda: self._poll(when))
        return self._due[when]

    def _poll(self, when: float) -> None:
        poll = self._due.pop(when, Poll())
        if self.layer.switches.late:
            self.layer.random.shuffle(poll.answers)
        for call in poll.pushed + poll.answers:
            call()
