"""A board at a serial port, by mpremote's transport: its files, and what it runs."""

import ast
import contextlib
import errno
import io
import os
import re
import time
from collections.abc import Callable, Iterator

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from tools.board import ports
from tools.boards import Board

BAUD = 115200
ANSWER_S = 5  # a soft reset takes its time
TRIES = 5  # a board that is just starting does not listen
READ_S = 1  # that a read waits for a byte
CALM_S = 0.1  # without a byte
CHUNK = 512  # bytes of a file at a time
RESET_S = 0.3  # until that has happened: a Ctrl-C before would stop it
# By USB the answer to the command is to be out before.
RESET = "import machine, time; time.sleep_ms(100); machine.reset()"

# Hashes of all files below these folders, and of those in the root.
HASHES = """
import hashlib, os
from binascii import hexlify
def h(p):
    d = hashlib.sha256()
    with open(p, 'rb') as f:
        while True:
            b = f.read(512)
            if not b: break
            d.update(b)
    return hexlify(d.digest()).decode()
def w(p, deep):
    try: names = list(os.ilistdir(p))
    except OSError: return
    for n in names:
        q = p + '/' + n[0]
        if n[1] & 0x4000:
            if deep: w(q, True)
        else: print(repr((q, h(q))), end=',')
w('', False)
for p in %r: w(p, True)
"""


class LinkError(Exception):
    """The board cannot be worked on; the text says why and what to do, in a sentence."""


class Link:
    """A board whose program was stopped. Paths on it begin with a slash."""

    def __init__(self, transport: SerialTransport, port: str):
        self.transport = transport
        self.port = port

    def execute(self, code: str) -> str:
        """Run Python on the board and return what it printed. Raises LinkError."""
        with told(self.port):
            return self.transport.exec(code).decode()

    def build(self) -> str:
        """Return sys.implementation._build, the name of the board's MicroPython image."""
        code = "import sys; print(getattr(sys.implementation, '_build', sys.platform))"
        return self.execute(code).strip()

    def check(self, board: Board) -> None:
        """Raises LinkError unless this is such a board."""
        found = self.build()
        if found != board.build:
            raise LinkError(
                f"the board at {self.port} is {found}, not {board.build}: check BOARD="
            )

    def hashes(self, *folders: str) -> dict[str, str]:
        """Return the SHA-256 of each file in the root, and below these folders."""
        return dict(ast.literal_eval(f"[{self.execute(HASHES % (folders,))}]"))

    def free(self) -> int:
        """Return how many bytes the file system has left."""
        # LittleFS counts below zero when it is full, and says a number beyond its size then.
        code = "import os; s = os.statvfs('/'); print(s[0] * s[3] if s[3] <= s[2] else 0)"
        return int(self.execute(code))

    def write(self, path: str, data: bytes, progress: Callable[[int], None] | None = None) -> None:
        """Write a file. progress(bytes so far)."""
        with told(self.port):
            self.transport.fs_writefile(
                path, data, CHUNK, progress and (lambda done, _: progress(done))
            )

    def replace(self, path: str, data: bytes) -> None:
        """Write a file so that a power cut leaves the old or the new one."""
        self.write(path + ".new", data)
        self.execute(f"import os; os.rename({path + '.new'!r}, {path!r})")

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        with told(self.port):
            try:
                return bytes(self.transport.fs_readfile(path))
            except OSError as error:
                if error.errno == errno.ENOENT and error.strerror == path:
                    return None
                raise

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, none if there is no folder."""
        parent, name = folder.rsplit("/", 1)
        parent = parent or "/"
        code = f"import os; print({name!r} in os.listdir({parent!r}) and os.listdir({folder!r}))"
        return ast.literal_eval(self.execute(code)) or []

    def make_folder(self, path: str) -> None:
        """Make a folder unless it is there."""
        with told(self.port):
            if not self.transport.fs_isdir(path):
                self.transport.fs_mkdir(path)

    def remove_tree(self, path: str) -> None:
        """Remove a file or a folder with all that is in it, if it is there."""
        self.execute(f"""
import os
def r(p):
    try: d = os.stat(p)[0] & 0x4000
    except OSError: return
    if d:
        for n in os.listdir(p): r(p + '/' + n)
        os.rmdir(p)
    else: os.remove(p)
r({path!r})
""")

    def reset(self) -> None:
        """Restart the board; what it prints from then on can be read from the port."""
        with told(self.port):
            _reset(self.transport)


@contextlib.contextmanager
def told(port: str) -> Iterator[None]:
    """Turn what the transport raises into a LinkError with a sentence."""
    try:
        yield
    except TransportExecError as error:
        said = (error.error_output.strip().splitlines() or ["no reason"])[-1]
        number = re.match(r"OSError: (?:\[Errno )?(\d+)", said)
        raise _fault(int(number[1]) if number else None, said) from None
    except (TransportError, serial.SerialException) as error:
        raise _gone(port) from error
    except OSError as error:
        # With a path it is the board's own, which the transport has translated.
        if isinstance(error.strerror, str) and error.strerror.startswith("/"):
            raise _fault(error.errno, f"{os.strerror(error.errno)}: {error.strerror}") from None
        raise _gone(port) from error


def _fault(number: int | None, said: str) -> LinkError:
    if number == errno.ENOSPC:
        return LinkError("the board's flash is full: make erase-app frees the updates")
    if number == errno.EROFS:
        return LinkError("the board's file system is read-only: make flash gives it another")
    return LinkError(f"the board said {said}")


def _gone(port: str) -> LinkError:
    return LinkError(f"the board at {port} does not answer any more: is the cable in?")


@contextlib.contextmanager
def connected(port: str | None = None, soft_reset: bool = True) -> Iterator[Link]:
    """Yield the Link of a board, whose program is stopped in the way that holds.

    However it ends, the board is restarted then, so that none is left standing at its prompt.
    Raises ValueError (ports.find) and LinkError.
    """
    port = ports.find(port)
    try:
        transport = SerialTransport(port, BAUD, timeout=READ_S)
    except TransportError:
        raise LinkError(f"port {port} is busy or may not be opened: does a monitor run?") from None
    transport.serial.write_timeout = ANSWER_S  # a board that takes nothing is no reason to hang
    try:
        _stop(transport, port, soft_reset)
        yield Link(transport, port)
    finally:
        with _quietly():
            if transport.in_raw_repl:
                # What was under way may have been cut off in the middle.
                transport.enter_raw_repl(False, timeout_overall=ANSWER_S)
                _reset(transport)
                time.sleep(RESET_S)
        with _quietly():
            transport.close()


def _reset(transport: SerialTransport) -> None:
    transport.exec_raw_no_follow(RESET)
    transport.in_raw_repl = False


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    # The transport prints what it did not expect.
    with contextlib.redirect_stdout(io.StringIO()):
        with contextlib.suppress(TransportError, serial.SerialException, OSError):
            yield


def _calm(opened: serial.Serial, port: str) -> None:
    # Wait until a stopped board says no more: the transport reads what comes to its end.
    end = time.monotonic() + ANSWER_S
    with _quietly():
        opened.write(b"\r\x03")
        while time.monotonic() < end:
            opened.read(opened.in_waiting)
            time.sleep(CALM_S)
            if not opened.in_waiting:
                return
        raise LinkError(f"what comes from {port} has no end: is it a board with MicroPython?")


def _stop(transport: SerialTransport, port: str, soft_reset: bool) -> None:
    _calm(transport.serial, port)
    with contextlib.redirect_stdout(io.StringIO()):  # the transport prints what it did not expect
        for left in reversed(range(TRIES)):
            try:
                transport.enter_raw_repl(soft_reset, timeout_overall=ANSWER_S)
                return
            except (TransportError, serial.SerialException, OSError):
                if not left:
                    raise LinkError(
                        f"no MicroPython answers at {port}: reset the board, or make flash"
                    ) from None
