"""A run: the processes of the devices, the server's, and what is asked of them and when."""

import contextlib
import multiprocessing
import time
from collections.abc import Iterator

from . import figures, life, server
from .plan import Plan, PlanError, allow_files, shares, token

READY_S = 60.0  # until a process has begun, on a busy machine
GRACE_S = 60.0  # beyond its time, for what a process has to say
LEAD_S = 0.5  # from the last process that is ready to the beginning

spawn = multiprocessing.get_context("spawn")  # no process inherits another's sockets


def run(plan: Plan, address: tuple[str, int] | None = None, tokens: list[str] | None = None):
    """Be a fleet, and return the figures.

    Without an address there is a simulator with the devices, which is restarted if there is to be
    an outage; tokens are the devices of another server. Raises PlanError.
    """
    allow_files(plan)
    tokens = tokens or [token(number) for number in range(plan.devices)]
    with contextlib.ExitStack() as stack:
        simulator = None
        if address is None:
            simulator = stack.enter_context(child(server.process, tokens, plan))
            address = "127.0.0.1", answer(simulator, READY_S)
        fleet = [
            stack.enter_context(child(life.process, [tokens[n] for n in share], address, plan))
            for share in shares(plan.devices, plan.processes)
        ]
        for one in fleet:
            answer(one, READY_S)
        begin = time.monotonic() + LEAD_S
        for one in fleet:
            one.send(begin)
        restart = None
        if simulator and plan.outage:
            time.sleep(begin + plan.restart_at - time.monotonic())
            simulator.send(("restart", plan.outage))
            restart = answer(simulator, plan.outage + READY_S)
        left = begin + plan.seconds + plan.drain - time.monotonic()
        lives = [one for process in fleet for one in answer(process, left + GRACE_S)]
        result = figures.figures(plan, lives, begin)
        if simulator:
            simulator.send(("books", None))
            books, heard, wire = answer(simulator, GRACE_S)
            result["server"] = figures.of_server(lives, books)
            result["wire"] = figures.of_wire(plan, wire)
            if restart:
                result["restart"] = figures.of_restart(lives, restart, heard, begin, plan)
        return result


@contextlib.contextmanager
def child(function, *arguments) -> Iterator:
    """Run function(connection, ...) in a process of its own; yields our end of the connection."""
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=function, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.terminate()
        process.join()


def answer(connection, seconds: float):
    """Return what a process says. PlanError if it says nothing, or has ended."""
    try:
        if connection.poll(seconds):
            return connection.recv()
    except EOFError:
        raise PlanError("a process of the run has ended; what it said stands above") from None
    raise PlanError("a process of the run is too slow: take fewer --devices, or a longer --period")
