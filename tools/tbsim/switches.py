"""Behaviours of the server that a test or a user can choose."""

from dataclasses import dataclass


@dataclass
class Switches:
    """The defaults are what ThingsBoard 4.4 does."""

    piggyback_typed: bool = False  # answer fast CON requests in the ACK (pull request #15174)
    backend_delay: float = 0.0  # seconds before any answer
    silent_core: bool = False  # attribute reads get no answer but the empty ACK
    replace_burst: bool = True  # a newer CON notification replaces the one that waits
    tell_replaced: bool = True  # 2.02 on the old token when an observation is replaced
    rate_limited: int = 0  # so many requests are answered by 5.00
