"""The two sides of an interop test: foreign programs, and our client on the unix port."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.support.secure import told
from tools.unixport import LIBRARIES, micropython

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"
TIMEOUT_S = 60


def program(name: str) -> str:
    """Return a program's path; AssertionError, so that the test fails, if it is not there."""
    path = shutil.which(name)
    assert path, f"{name} is missing: .ci/run installs what the interop tests need"
    return path


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ours(port: int, *steps: dict, security: dict | None = None) -> tuple[list[dict], dict]:
    """Do steps with our client on the unix port: see driver.py. Returns (answers, counters).

    security: over DTLS with these arguments of dtls.Security, as names of files.
    """
    command = [micropython(), "-X", "heapsize=4M", str(HERE / "driver.py"), str(port)]
    run = subprocess.run(
        command,
        input=json.dumps(steps),
        env=told(*LIBRARIES, security=security),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    *answers, counters = map(json.loads, run.stdout.splitlines())
    return answers, counters


class Background:
    """A foreign program while it runs; its output goes to the file `log`."""

    def __init__(self, folder: Path, *command: str, stdin=subprocess.DEVNULL):
        self.log = folder / "output.txt"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdin=stdin, stdout=output, stderr=subprocess.STDOUT
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


class LibcoapServer(Background):
    """A coap-server on a free port; its resources: /, /time, /async, /example_data.

    library is what it has for DTLS: "notls", "openssl", "gnutls". With one it serves on port + 1,
    too, which is secure_port.
    """

    def __init__(self, folder: Path, *options: str, library: str = "notls"):
        self.port = free_port()
        self.secure_port = self.port + 1
        address = ("-A", "127.0.0.1", "-p", str(self.port))
        super().__init__(folder, program("coap-server-" + library), *address, *options)
        # Asked of the kernel: a request would count for the server's loss switch.
        last = self.port if library == "notls" else self.secure_port
        wanted = f"0100007F:{last:04X} "
        end = time.monotonic() + TIMEOUT_S
        while wanted not in Path("/proc/net/udp").read_text():
            assert self.process.poll() is None and time.monotonic() < end, self.output()
            time.sleep(0.02)


def coap_client(*options: str, stdin: str | None = None) -> subprocess.CompletedProcess:
    """Run libcoap's client to its end; an error response is on its stderr."""
    return subprocess.run(
        [program("coap-client-notls"), *options],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def coap_cli() -> tuple[str, str]:
    """Return the command of npm's coap-cli."""
    script = NODE_MODULES / ".bin" / "coap"
    assert script.exists(), f"{script.name} is missing: npm ci --prefix tests/interop"
    return program("node"), str(script)
