"""Starts the interpreter of a virtual board: one process for each life."""

import atexit
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from tools.unixport import BUILD, environment, micropython, mpy_cross
from tools.vboard.host.flash import Flash
from tools.vboard.host.ports import Port

VBOARD = Path(__file__).resolve().parent.parent
SOURCES = [VBOARD / "protocol.py", *sorted((VBOARD / "device").glob("*.py"))]
MODULE_PATH = BUILD / "vboard"  # of the package `vboard`

_compiling = threading.Lock()


@contextlib.contextmanager
def started(
    port: Port, flash: Flash, heap: str, cut_at: int, half: bool, command: str, argument: str = ""
) -> Iterator[tuple[subprocess.Popen, socket.socket]]:
    """Yield a process that has started a command of the protocol, and the socket of its words.

    Its console is the process's stdout. In the end it is killed.
    """
    _compile()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        arguments = [theirs.fileno(), port.name, port.unit, flash.image, flash.wear_file]
        arguments += [cut_at, int(half), command, argument]
        process = subprocess.Popen(
            [micropython(), "-X", f"heapsize={heap}", "-m", "vboard", *map(str, arguments)],
            env=environment(MODULE_PATH),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        atexit.register(process.kill)
        theirs.close()
        try:
            yield process, ours
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            atexit.unregister(process.kill)


def _compile() -> None:
    # Bytecode is made anew when its source is newer; other processes may do the same now.
    with _compiling:
        for source in SOURCES:
            target = MODULE_PATH / "vboard" / (source.stem + ".mpy")
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                made = target.with_suffix(f".{os.getpid()}")
                mpy_cross(source, made)
                os.replace(made, target)
