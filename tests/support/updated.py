"""A board reduced to its updater, on the unix port, in a folder of the host."""

import subprocess
from pathlib import Path

from tools.board import DEVICE
from tools.package import container, keys
from tools.tbsim import Package
from tools.unixport import LIBRARIES, environment, micropython

RESET = 5  # its exit code
HEAP = "heapsize=168k"  # the sources are compiled in it, which takes more than any update
SCRIPT = Path(__file__).with_name("update_main.py")


class UpdatedBoard:
    """A board's folder; start() runs one life of it (update_main.py)."""

    def __init__(self, sim, folder, key):
        self.sim, self.folder = sim, folder
        (folder / "factory").mkdir()
        (folder / "keys").write_bytes(keys.public_bytes(key))
        self.device = sim.add_device("board", "TOKEN")

    def start(self, until=None, timeout=20, block_ms=0):
        """Run until it resets, or until a condition holds; returns (exit code or None, output).

        block_ms is how long the board is busy with each block.
        """
        arguments = [
            str(self.sim.port),
            str(self.folder),
            str(self.folder / "keys"),
            str(block_ms),
        ]
        with open(self.folder / "output", "w+") as output:
            process = subprocess.Popen(
                [micropython(), "-X", HEAP, str(SCRIPT), *map(str, arguments)],
                env=environment(*LIBRARIES, DEVICE),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            ended = lambda: process.poll() is not None  # noqa: E731
            self.sim.until(lambda: ended() or until and until(), timeout)
            code = process.poll()
            if code is None:
                process.kill()
                process.wait()
            output.seek(0)
            return code, output.read()

    def states(self):
        return [value for _, key, value in self.device.telemetry if key == "sw_state"]

    def errors(self):
        return [value for _, key, value in self.device.telemetry if key == "sw_error"]


def package(key, version="1.1", sequence=2, **how):
    """Return a package of 12 files, 56 KB, for the prefix sw."""
    files = [(f"m{n}.py", bytes([n]) * (700 * n + 1)) for n in range(12)]
    values = {"kind": "app", "title": "app", "boards": ["UNIX"], **how}
    data = container.build(key, files, version=version, sequence=sequence, **values)
    return Package("app", version, data, kind="sw")
