"""Device code on CPython: what it expects of MicroPython, for the tests and the load generator.

That is the module `micropython`, wrapping ticks in `time`, `sleep_ms` and `wait_for_ms` in
`asyncio`, and `print_exception` in `sys`. The asyncio driver (coap/client.py) needs more: it moves
its timer in MicroPython's own queue, so on CPython another driver stands in its place
(tools/load/client.py).
"""

import asyncio
import sys
import time
import traceback
import types

from tools.unixport import LIBRARIES

PERIOD = 1 << 30  # of ticks, as on boards


def prepare() -> None:
    """Make the libraries importable; once is enough, and more does no harm."""
    for path in LIBRARIES:
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    if hasattr(time, "ticks_ms"):
        return
    sys.modules["micropython"] = types.ModuleType("micropython")
    sys.modules["micropython"].const = lambda value: value
    time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000 % PERIOD
    time.ticks_diff = lambda a, b: (a - b + PERIOD // 2) % PERIOD - PERIOD // 2
    time.ticks_add = lambda a, b: (a + b) % PERIOD
    sleep = asyncio.sleep  # a unit test puts another one in its place
    asyncio.sleep_ms = lambda ms: sleep(ms / 1000)
    asyncio.wait_for_ms = lambda task, ms: asyncio.wait_for(task, ms / 1000)
    sys.print_exception = print_exception


def print_exception(error: BaseException, file) -> None:
    """Print as MicroPython does: without the lines of the source."""
    print("Traceback (most recent call last):", file=file)
    for frame in traceback.extract_tb(error.__traceback__):
        print(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}', file=file)
    print(*traceback.format_exception_only(error), sep="", end="", file=file)
