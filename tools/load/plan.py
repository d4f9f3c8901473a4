"""What a run is to be, and whether this PC can do it."""

import resource
from dataclasses import dataclass

SPARE_FILES = 64  # of a process: its own, and a socket that is taken before the old one is closed


class PlanError(Exception):
    """This PC cannot do what was asked for; says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """A run. Times are in seconds."""

    devices: int
    seconds: float
    period: float  # between two records of a device
    keepalive: float  # between two signs of life of a device
    ramp: float  # in which the devices start, at random
    processes: int
    outage: float  # of the server, at a third of the run; 0: none
    drain: float = 30.0  # after the run, at most, for what still waits
    core: tuple[float, float] = (3.0, 8.0)  # from the simulator's return until it answers

    @property
    def restart_at(self) -> float:
        return self.seconds / 3


def token(number: int) -> str:
    """Return the access token of a device of the simulator, as long as ThingsBoard's own."""
    return f"LOAD{number:016d}"


def shares(devices: int, processes: int) -> list[range]:
    """Return the numbers of the devices of each process."""
    return [range(devices)[first::processes] for first in range(processes)]


def allow_files(plan: Plan) -> None:
    """Raise the soft limit of open files to what a process needs. PlanError if it is not allowed.

    A process that is started afterwards inherits the limit.
    """
    need = -(-plan.devices // plan.processes) + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard) and soft != hard:
        hard = max(hard, need)
    if soft == resource.RLIM_INFINITY or soft >= need:
        return
    if hard != resource.RLIM_INFINITY and hard < need:
        raise PlanError(
            f"{plan.devices} devices in {plan.processes} processes need {need} open files each, "
            f"and {hard} are allowed: raise the limit (ulimit -Hn), take more --processes, "
            "or fewer --devices"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
