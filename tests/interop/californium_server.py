"""A server made of Californium, ThingsBoard's own CoAP library: californium/Server.java."""

import select
import subprocess
from pathlib import Path

from tests.interop.peers import TIMEOUT_S, program
from tools.unixport import BUILD

JAR = BUILD / "californium" / "server.jar"
# It starts sooner so.
OPTIONS = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class CaliforniumServer:
    """`with CaliforniumServer(folder, identity) as server:` serves on server.port, and over DTLS
    on server.secure_port; its log goes to a file in the folder. identity is a PEM file with a
    certificate and its key.
    """

    def __init__(self, folder: Path, identity: Path):
        assert JAR.exists(), f"{JAR.name} is missing: make {JAR.relative_to(BUILD.parent)}"
        self.folder = folder
        self.log = folder / "californium.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [program("java"), *OPTIONS, "-jar", str(JAR), str(identity)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )

    def __enter__(self):
        try:
            self.port, self.secure_port = self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=TIMEOUT_S)

    def assign(self, data: bytes, title: str = "app", version: str = "1.1") -> None:
        """Serve a package under /fw/TOKEN."""
        path = self.folder / "package"
        path.write_bytes(data)
        self._do(f"package {title} {version} {path}")

    def set_attribute(self, name: str, value: int) -> None:
        """Change a shared attribute of the one device under /api/v1."""
        self._do(f"attribute {name} {value}")

    def burst(self, name: str, count: int, gap_ms: int) -> None:
        """Let an attribute become 0 to count - 1, one soon after the other."""
        self._do(f"burst {name} {count} {gap_ms}")

    def meet(self, name: str, value: int) -> None:
        """Change an attribute between the next registration and its answer."""
        self._do(f"meet {name} {value}")

    def restart(self) -> None:
        """Forget transfers, observations, what was stored and message ids."""
        self._do("restart")

    def _do(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self._answer()

    def _answer(self) -> list[int]:
        # One line at a time is under way, so nothing waits in the buffer of stdout.
        ready, _, _ = select.select([self.process.stdout], [], [], TIMEOUT_S)
        line = self.process.stdout.readline() if ready else ""
        assert line, f"no answer: {self.log.read_text(errors='replace')}"
        return [int(word) for word in line.split()]
