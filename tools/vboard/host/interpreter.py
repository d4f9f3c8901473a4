"""Starts the interpreter of a virtual board: one process for each life."""

import atexit
import contextlib
import socket
import subprocess
from collections.abc import Iterator

from tools.unixport import environment, micropython
from tools.vboard.host.compiler import MODULE_PATH, compile_device
from tools.vboard.host.flash import Flash
from tools.vboard.host.network import Network
from tools.vboard.host.ports import Port


@contextlib.contextmanager
def started(
    port: Port,
    flash: Flash,
    heap: str,
    cut_at: int,
    half: bool,
    command: str,
    argument: str = "",
    network: Network | None = None,
) -> Iterator[tuple[subprocess.Popen, socket.socket]]:
    """Yield a process that has started a command of the protocol, and the socket of its words.

    Its console is the process's stdout. In the end it is killed.
    """
    compile_device()
    ours, theirs = socket.socketpair()
    asked, asks = socket.socketpair()  # a line to the network
    with ours, theirs, asked, asks:
        asking = asks.fileno() if network else 0
        arguments = [theirs.fileno(), asking, port.name, port.unit, flash.image, flash.wear_file]
        arguments += [cut_at, int(half), command, argument]
        process = subprocess.Popen(
            [micropython(), "-X", f"heapsize={heap}", "-m", "vboard", *map(str, arguments)],
            cwd=MODULE_PATH,  # where modules are looked for first, by a name that is short
            env=environment(),
            pass_fds=[theirs.fileno(), asks.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        atexit.register(process.kill)
        theirs.close()
        asks.close()
        if network:
            network.begin(port.name, asked)
        try:
            yield process, ours
        finally:
            if network:
                network.end()
            process.kill()
            process.wait()
            process.stdout.close()
            atexit.unregister(process.kill)
