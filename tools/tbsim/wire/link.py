"""Faults of the link: loss each way, size limit, delay, duplication, reordering; from one seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .nat import NAT

COUNTS = ("up", "down", "dropped_up", "dropped_down", "duplicated", "reordered", "too_large")


@dataclass
class Link:
    """What happens to datagrams. Everything may change at any time.

    Probabilities are 0..1, times in milliseconds; up is towards the server. The delay is one way
    and keeps the order; a reordered datagram waits reorder_ms longer.
    """

    loss_up: float = 0.0
    loss_down: float = 0.0
    delay_ms: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 50.0
    max_bytes: int | None = None  # larger datagrams are dropped, both ways
    nat: NAT = field(default_factory=NAT)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def __post_init__(self):
        self.seed(1)

    def seed(self, seed: int) -> None:
        self._random = random.Random(seed)

    def carry(self, up: bool, size: int, deliver: Callable[[], None], later: Callable) -> None:
        """Deliver a datagram of so many bytes once, twice, late or never. later(seconds, function)
        is the loop's call_later.
        """
        way = "up" if up else "down"
        self.counts[way] += 1
        if self.max_bytes is not None and size > self.max_bytes:
            self.counts["too_large"] += 1
            return
        if self._happens(self.loss_up if up else self.loss_down):
            self.counts["dropped_" + way] += 1
            return
        copies = 1
        if self._happens(self.duplicate):
            self.counts["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            delay_ms = self.delay_ms
            if self._happens(self.reorder):
                self.counts["reordered"] += 1
                delay_ms += self.reorder_ms
            if delay_ms:
                later(delay_ms / 1000, deliver)
            else:
                deliver()

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability
