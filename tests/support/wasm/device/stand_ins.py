# Import this before anything else: it gives the WebAssembly port what other ports have.
#
# Its asyncio waits for JavaScript to call it again, by timers. Here the loop is turned by Python:
# run() returns what the coroutine returns, as everywhere. Tasks and the queue are the port's own.

import asyncio
import os
import random
from asyncio import core


class Ended(BaseException):
    # Leaves core._run_iter(), which catches what is an Exception.
    pass


async def end_with(awaitable):
    try:
        result = await awaitable
    except BaseException as error:
        raise Ended(error, None)
    raise Ended(None, result)


def run(awaitable):
    core.create_task(end_with(awaitable))
    try:
        while core._task_queue.peek():
            core._run_iter()  # returns if all tasks sleep
    except Ended as end:
        error, result = end.args
    else:
        raise RuntimeError("nothing is left that could wake the task")
    finally:
        core.cur_task = None
    if error:
        raise error
    return result


def new_event_loop():
    core._task_queue = core.TaskQueue()  # one that sets no timer
    return core.Loop


def urandom(n):
    return bytes([random.getrandbits(8) for _ in range(n)])


core._schedule_run_iter = lambda ms: None
core.Loop.run_until_complete = run
asyncio.new_event_loop = core.new_event_loop = new_event_loop
asyncio.run = run
os.urandom = urandom
new_event_loop()
