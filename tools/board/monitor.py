"""Shows what a board prints, through resets and pulled cables."""

import contextlib
import re
import time
from collections.abc import Callable
from typing import Annotated

import serial
import typer
from rich.console import Console
from rich.markup import escape

from tools.board import ports
from tools.board.link import BAUD, LinkError

# What the firmware prints once the server has taken what it tells of itself.
ACCEPTED = re.compile(r"start number \d+")
LOOK_S = 0.2
RETRY_S = 0.5

console = Console(highlight=False)


class Lines:
    """The lines of a port, as they come. A board that is gone is waited for.

    By USB each reset takes the port away for a second. port: if it is open already; opening it
    anew would lose what came.
    """

    def __init__(self, name: str, port: serial.Serial | None = None):
        self.name = name
        self.port = port
        if port is not None:
            port.timeout = LOOK_S
        self.gone = False
        self.rest = b""

    def next(self) -> str | None:
        """Return the next line, None if none came in a while."""
        try:
            if self.port is None:
                self.port = serial.Serial(self.name, BAUD, timeout=LOOK_S, exclusive=True)
                self.gone = False
            if b"\n" not in self.rest:
                self.rest += self.port.read(max(1, self.port.in_waiting))
        except (serial.SerialException, OSError):
            self.close()
            self.gone = True
            time.sleep(RETRY_S)
        line, end, rest = self.rest.partition(b"\n")
        if not end:
            return None
        self.rest = rest
        return line.decode(errors="replace").rstrip("\r")

    def close(self) -> None:
        """Let others have the port."""
        if self.port is not None:
            with contextlib.suppress(OSError):
                self.port.close()
        self.port = None


def until(
    name: str,
    pattern: re.Pattern,
    seconds: float,
    show: Callable[[str], None],
    port: serial.Serial | None = None,
) -> None:
    """Show lines of a port until one matches. Raises LinkError if none does in time."""
    reader, end = Lines(name, port), time.monotonic() + seconds
    last = ""
    with contextlib.closing(reader):
        while time.monotonic() < end:
            line = reader.next()
            if line is None:
                continue
            show(escape(line))
            if pattern.search(line):
                return
            last = line
    if reader.gone:
        raise LinkError(f"the board has not come back to {name}: is the cable in?")
    raise LinkError(
        f"the server has not answered in {seconds:.0f} s; "
        f"the board's last line is {last.strip() or 'nothing'!r}: see docs/troubleshooting.md"
    )


def follow(name: str, stamps: bool, show: Callable[[str], None]) -> None:
    """Show lines until interrupted, and wait for the board when it is gone."""
    reader, gone = Lines(name), False
    with contextlib.closing(reader):
        while True:
            line = reader.next()
            if line is not None:
                show((time.strftime("%H:%M:%S ") if stamps else "") + escape(line))
            elif reader.gone != gone:
                gone = reader.gone
                show(f"[dim](the board is {'gone; waiting' if gone else 'back'})[/]")


def main(
    port: Annotated[str, typer.Option(help="of the board; found if there is one board")] = "",
    stamps: Annotated[bool, typer.Option(help="the time before each line")] = False,
):
    """Show a board's console; Ctrl-C ends it."""
    name = ports.find(port)
    try:
        serial.Serial(name, BAUD, exclusive=True).close()
    except (serial.SerialException, OSError):
        raise LinkError(f"port {name} is busy or may not be opened") from None
    console.print(f"[dim](console of {name}; Ctrl-C ends it)[/]")
    with contextlib.suppress(KeyboardInterrupt):
        follow(name, stamps, console.print)
