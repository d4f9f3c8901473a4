"""A board reduced to its updater, on the unix port, in a folder of the host."""

import subprocess
import threading
from pathlib import Path

from tools.board import DEVICE
from tools.package import container, keys
from tools.tbsim import Package
from tools.unixport import LIBRARIES, environment, micropython

RESET = 5  # its exit code
HEAP = "heapsize=256k"  # the sources are compiled in it: 168k were too few under some paths
SCRIPT = Path(__file__).with_name("update_main.py")


class UpdatedBoard:
    """A board's folder; start() runs one life of it (update_main.py), live() one after the other
    until end(). name: of its device, and its access token.
    """

    def __init__(self, sim, folder, key, name="board", prefix="sw"):
        self.sim, self.folder, self.name, self.prefix = sim, folder, name, prefix
        (folder / "factory").mkdir()
        (folder / "keys").write_bytes(keys.public_bytes(key))
        self.device = sim.add_device(name, name)
        self._ends = threading.Event()
        self._lives = threading.Thread(target=self._live, daemon=True)

    def start(self, until=None, timeout=20, block_ms=0):
        """Run until it resets, or until a condition holds; returns (exit code or None, output).

        block_ms is how long the board is busy with each block.
        """
        with open(self.folder / "output", "w+") as output:
            process = self._process(output, block_ms)
            ended = lambda: process.poll() is not None  # noqa: E731
            self.sim.until(lambda: ended() or until and until(), timeout)
            code = process.poll()
            if code is None:
                process.kill()
                process.wait()
            output.seek(0)
            return code, output.read()

    def live(self):
        """Run it in the background, through its resets."""
        self._lives.start()

    def end(self):
        self._ends.set()
        self._lives.join(10)

    def _live(self):
        with open(self.folder / "output", "w") as output:
            while not self._ends.is_set():
                process = self._process(output)
                while process.poll() is None and not self._ends.wait(0.1):
                    pass
                process.kill()
                process.wait()

    def _process(self, output, block_ms=0):
        arguments = (
            *(self.sim.port, self.folder, self.folder / "keys", block_ms),
            *(self.name, self.prefix),
        )
        return subprocess.Popen(
            [micropython(), "-X", HEAP, str(SCRIPT), *map(str, arguments)],
            env=environment(*LIBRARIES, DEVICE),
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def states(self):
        key = self.prefix + "_state"
        return [value for _, name, value in list(self.device.telemetry) if name == key]

    def errors(self):
        key = self.prefix + "_error"
        return [value for _, name, value in list(self.device.telemetry) if name == key]


def package(key, version="1.1", sequence=2, **how):
    """Return a package of 12 files, 56 KB, for the prefix sw."""
    files = [(f"m{n}.py", bytes([n]) * (700 * n + 1)) for n in range(12)]
    values = {"kind": "app", "title": "app", "boards": ["UNIX"], **how}
    data = container.build(key, files, version=version, sequence=sequence, **values)
    return Package("app", version, data, kind="sw")
