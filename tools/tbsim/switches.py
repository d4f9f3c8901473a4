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

    # What the server does at times; each is the chance of it, 0 to 1.
    late: float = 0.3  # an answer takes one poll more; 0: also those of one poll are in order
    withheld: float = 0.12  # the last notification of a burst is not sent
    update_first: float = 0.27  # an assignment tells its update before its deletions
    told_again: float = 0.33  # attributes registered again with the same token: 2.02 comes first

    def leave_nothing_to_chance(self) -> None:
        self.late = self.withheld = self.update_first = self.told_again = 0.0


@dataclass
class Timing:
    """Seconds, as configured in ThingsBoard and Californium or as measured; tests shorten them."""

    piggyback: float = 0.5  # COAP_PIGGYBACK_TIMEOUT
    ack_timeout: float = 2.0
    max_retransmit: int = 4
    exchange_lifetime: float = 247.0
    non_lifetime: float = 145.0
    flight: float = 9.0  # of a DTLS handshake, until it is repeated
    rpc_ack: float = 10.0  # a command un-ACKed for so long is TIMEOUT
    poll: float = 0.025  # between two looks into the queues of transport and core; 0: no queues
    start_least: float = 3.0  # from the first datagram that a restarted server hears
    start_most: float = 8.0  # until its core answers
