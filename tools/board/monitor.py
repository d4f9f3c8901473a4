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
    """The lines of a port, as they come."""

    def __init__(self, port: serial.Serial):
        self.port = port
        self.port.timeout = LOOK_S
        self.rest = b""

    def next(self) -> str | None:
        """Return the next line, None if none came in a while. Raises SerialException."""
        if b"\n" not in self.rest:
            self.rest += self.port.read(max(1, self.port.in_waiting))
        line, end, rest = self.rest.partition(b"\n")
        if not end:
            return None
        self.rest = rest
        return line.decode(errors="replace").rstrip("\r")


def until(
    port: serial.Serial, pattern: re.Pattern, seconds: float, show: Callable[[str], None]
) -> None:
    """Show lines until one matches. Raises LinkError if none does in time, or the cable is out."""
    reader, end = Lines(port), time.monotonic() + seconds
    last = ""
    try:
        while time.monotonic() < end:
            line = reader.next()
            if line is None:
                continue
            show(escape(line))
            if pattern.search(line):
                return
            last = line
    except (serial.SerialException, OSError):
        raise LinkError("the board went away while it started: make monitor shows more") from None
    raise LinkError(
        f"the server has not answered in {seconds:.0f} s; "
        f"the board's last line is {last.strip() or 'nothing'!r}: see docs/troubleshooting.md"
    )


def follow(port: str, stamps: bool, show: Callable[[str], None]) -> None:
    """Show lines until interrupted, and wait for the board when it is gone."""
    gone = False
    while True:
        try:
            with serial.Serial(port, BAUD, exclusive=True) as opened:
                if gone:
                    show("[dim](the board is back)[/]")
                gone = False
                reader = Lines(opened)
                while True:
                    line = reader.next()
                    if line is not None:
                        show((time.strftime("%H:%M:%S ") if stamps else "") + escape(line))
        except (serial.SerialException, OSError):
            if not gone:
                show("[dim](the board is gone; waiting)[/]")
            gone = True
            time.sleep(RETRY_S)


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
