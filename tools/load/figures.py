"""What a run came to, as plain data: from the devices' lives and what the server has stored."""

from collections import Counter
from collections.abc import Iterable

from .life import Life
from .plan import Plan
from .server import Restart, Stored, Wire

HOUR_S = 3600
SETTLE_S = 20.0  # after a restart: what was made before counts as made in the outage
FEATURES = ("attributes", "rpc")


def figures(plan: Plan, lives: list[Life], begin: float) -> dict:
    """Return what the devices know: records, registrations, faults of theirs."""
    total = {name: sum(getattr(life, name) for life in lives) for name in ("made", "accepted")}
    for name in ("waiting", "dropped", "refused"):
        total[name] = sum(getattr(life, name) for life in lives)
    ends = [end for life in lives for _, end in life.latencies]
    total["accepted_per_s"] = round(
        sum(end < begin + plan.seconds for end in ends) / plan.seconds, 1
    )
    faults = [life.last_fault for life in lives if life.faults]
    return {
        "devices": plan.devices,
        "processes": plan.processes,
        "seconds": plan.seconds,
        "period": plan.period,
        "records": total,
        "latency_ms": percentiles_ms(b - a for life in lives for a, b in life.latencies),
        "registrations": sum(len(life.asked) for life in lives),
        "retransmissions": sum(life.retransmissions for life in lives),
        "faults": sum(life.faults for life in lives),
        "last_fault": faults[-1] if faults else None,
    }


def of_server(lives: list[Life], books: dict[str, Stored]) -> dict:
    """Return what the server has, beside what the devices were told that it has."""
    of = [(life, books[life.token]) for life in lives]
    return {
        "stored": sum(stored.numbers for _, stored in of),
        "lost": sum(max(0, life.accepted - stored.numbers) for life, stored in of),
        "stored_again": sum(stored.again for _, stored in of),
        "stored_twice": sum(stored.twice for _, stored in of),
    }


def of_wire(plan: Plan, wire: Wire) -> dict:
    """Return what a device puts on the wire and gets from it in an hour, its start included."""
    hours = plan.devices * plan.seconds / HOUR_S
    return {
        "datagrams_per_hour": round(wire.datagrams / hours),
        "bytes_per_hour": round(wire.bytes / hours),
    }


def of_restart(
    lives: list[Life], restart: Restart, heard: Counter, begin: float, plan: Plan
) -> dict:
    """Return how the devices came back: when each had registered both of its observations again,
    what came to the server in each second, and what records took meanwhile. Seconds are counted
    from the moment at which the server heard again.
    """
    back = [at - restart.heard for life in lives if (at := again(life, restart.heard))]
    asked = [at - restart.heard for life in lives for at, _ in life.asked]
    settled = restart.ready + SETTLE_S
    calm, rough = [], []
    for made, end in [pair for life in lives for pair in life.latencies]:
        outside = end < restart.stopped or made > settled
        (calm if outside else rough).append(end - made)
    calm_s = restart.stopped - begin - plan.ramp
    before = [at for at in asked if -calm_s <= at + restart.heard - restart.stopped < 0]
    datagrams = [(tenth / 10 - restart.heard, count) for tenth, count in sorted(heard.items())]
    return {
        "outage_s": round(restart.heard - restart.stopped, 1),
        "core_s": round(restart.ready - restart.heard, 1),
        "registered_again": len(back),
        "registered_again_s": spread(back),
        "calm_registrations_per_s": round(len(before) / calm_s, 1),
        "registrations_each_s": by_second((at, 1) for at in asked if at >= 0),
        "datagrams_each_s": by_second((at, count) for at, count in datagrams if at >= 0),
        "latency_ms": percentiles_ms(calm),
        "latency_outage_ms": percentiles_ms(rough),
    }


def again(life: Life, since: float) -> float | None:
    """Return when a device had both observations again after an instant; None: it has not."""
    first = {}
    for at, feature in life.answered:
        if at > since:
            first.setdefault(feature, at)
    return max(first.values()) if len(first) == len(FEATURES) else None


def by_second(counts: Iterable[tuple[float, int]]) -> list[int]:
    """Return the sums of what was counted at each instant, for each second from 0 on."""
    sums: Counter[int] = Counter()
    for instant, count in counts:
        sums[int(instant)] += count
    return [sums[second] for second in range(max(sums, default=-1) + 1)]


def spread(instants: list[float]) -> dict[str, float]:
    """Return the first, the median, the 99th percentile and the last of some instants."""
    instants = sorted(instants)
    if not instants:
        return {}
    parts = {"first": 0.0, "p50": 0.5, "p99": 0.99, "last": 1.0}
    return {name: round(percentile(instants, part), 2) for name, part in parts.items()}


def percentiles_ms(seconds: Iterable[float]) -> dict[str, int]:
    """Return the median, the 99th percentile and the largest of some times, in milliseconds."""
    seconds = sorted(seconds)
    if not seconds:
        return {}
    parts = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(1000 * percentile(seconds, part)) for name, part in parts.items()}


def percentile(ordered: list[float], part: float) -> float:
    """Return the value below which a part of them lies (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
