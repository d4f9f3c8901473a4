"""Starts the interpreter of a virtual board: one process for each life."""

import atexit
import contextlib
import fcntl
import os
import socket
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

from tools.unixport import environment, micropython
from tools.vboard import protocol
from tools.vboard.host.clock import Clock
from tools.vboard.host.compiler import MODULE_PATH, compile_device
from tools.vboard.host.console import Console
from tools.vboard.host.flash import Flash
from tools.vboard.host.network import Network
from tools.vboard.host.ports import Model


@contextlib.contextmanager
def started(
    model: Model,
    flash: Flash,
    heap: str,
    cut_at: int,
    half: bool,
    command: str,
    argument: str = "",
    network: Network | None = None,
    console: Console | None = None,
    clock: Clock | None = None,
    memory: Path | None = None,
) -> Iterator[tuple[subprocess.Popen, socket.socket]]:
    """Yield a process that has started a command of the protocol, and the socket of its words.

    Its console is the process's stdout, or the one that is given. In the end it is killed.
    """
    compile_device()
    ours, theirs = socket.socketpair()
    asked, asks = socket.socketpair()  # a line to the network
    with ours, theirs, asked, asks:
        asking = asks.fileno() if network else 0
        arguments = [theirs.fileno(), asking, clock.file if clock else protocol.NONE]
        port = model.port
        arguments += [
            memory or protocol.NONE,
            port.name,
            port.unit,
            model.build,
            model.vfs_at,
            model.apps,
        ]
        arguments += [flash.image, flash.wear_file]
        arguments += [cut_at, int(half), int(console is not None), command, argument]
        options = ["-X", f"heapsize={heap}"]
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
        }
        if console:
            options.append("-i")
            terminal = console.open()
            streams = dict.fromkeys(streams, terminal) | {
                "start_new_session": True,
                "preexec_fn": lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),
            }
        process = subprocess.Popen(
            [micropython(), *options, "-m", "vboard", *map(str, arguments)],
            cwd=MODULE_PATH,  # where modules are looked for first, by a name that is short
            env=environment(),
            pass_fds=[theirs.fileno(), asks.fileno()],
            **streams,
        )
        atexit.register(process.kill)
        theirs.close()
        asks.close()
        if console:
            os.close(terminal)
        if network:
            network.begin(model.wifi, asked, command in (protocol.SOFT, protocol.RAW))
        try:
            yield process, ours
        finally:
            if network:
                network.end()
            process.kill()
            process.wait()
            (console or process.stdout).close()
            atexit.unregister(process.kill)
