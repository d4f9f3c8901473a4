"""One command to a device, and the statuses that it goes through (RpcStatus)."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class RPC:
    """A command. Only a persistent one is SENT, DELIVERED or timed out on the way; a one-way
    command that is not is done when it was sent.
    """

    id: int
    method: str
    params: object
    two_way: bool
    persistent: bool
    on_done: Callable[[], None] | None = None  # called once
    response: object = None
    history: list[str] = field(default_factory=lambda: ["QUEUED"])  # every status it had
    done: bool = False

    @property
    def status(self) -> str:
        return self.history[-1]

    @property
    def to_be_sent(self) -> bool:
        """Whether a device that subscribes is to get it."""
        return not self.done and self.status in ("QUEUED", "SENT", "TIMEOUT")

    def sent(self) -> None:
        if self.persistent:
            self._becomes("SENT")

    def acknowledged(self) -> None:
        if self.persistent:
            self._becomes("DELIVERED")
            if not self.two_way:
                self.finish("SUCCESSFUL")

    def not_acknowledged(self) -> None:
        if self.persistent and self.status == "SENT":
            self._becomes("TIMEOUT")

    def finish(self, status: str, response=None) -> None:
        if not self.done:
            self._becomes(status)
            self.response = response
            self.done = True
            if self.on_done:
                self.on_done()

    def _becomes(self, status: str) -> None:
        if self.status != status and not self.done:
            self.history.append(status)
