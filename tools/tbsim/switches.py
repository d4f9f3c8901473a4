"""What a test or a user can choose of the server: its behaviours and its timers.

The defaults are what ThingsBoard 4.4 does. Everything may be changed while the simulator runs.
"""

from dataclasses import dataclass


@dataclass
class Switches:
    piggyback_typed: bool = False  # answer fast CON requests in the ACK (pull request #15174)
    backend_delay: float = 0.0  # seconds before any answer
    silent_core: bool = False  # attribute reads get no answer but the empty ACK
    replace_burst: bool = True  # a newer CON notification replaces the one that waits
    tell_replaced: bool = True  # 2.02 on the old token when an observation is replaced
    rate_limited: int = 0  # so many requests are answered by 5.00
    mute: tuple[str, ...] = ()  # POST to these features gets nothing, not even an ACK


@dataclass
class Timing:
    """Seconds, as configured in ThingsBoard and Californium; tests shorten them."""

    piggyback: float = 0.5  # COAP_PIGGYBACK_TIMEOUT
    ack_timeout: float = 2.0
    max_retransmit: int = 4
    exchange_lifetime: float = 247.0
    non_lifetime: float = 145.0
    rpc_ack: float = 10.0  # a command un-ACKed for so long is TIMEOUT
