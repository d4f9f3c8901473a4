"""Where the demo plays: a simulator on loopback and a virtual board, and ways to watch both.

Secure, it is a device with a certificate and a Protobuf profile: it speaks DTLS, and its packages
come from a CoAP address of another device, since its server gives it none (docs/security.md).
"""

import bisect
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from tools import certificates
from tools.board import checking, stage
from tools.package import application, keys, releases
from tools.tbsim import Package, Simulator
from tools.tbsim.web import WebServer, page
from tools.unixport import BUILD, ROOT
from tools.vboard import Board, Network

FOLDER = BUILD / "demo"
DEVICE_NAME = "demo-board"
SERVER = "thingsboard.example"  # a name that the DNS of the board's network knows
AIR = {"ssid": "demo", "key": "a secret"}
PROFILE = {
    "provision_key": "demo-key",
    "provision_secret": "demo-secret",
    "strategy": "ALLOW_CREATE_NEW_DEVICES",
}
DEPOT = "DEPOT"  # the access token of the device that has the packages
PROTOS = {
    name: ROOT / "firmware" / "profile" / f"{name}.proto" for name in ("telemetry", "attributes")
}
INTERVAL_S = 2  # a person watches; every other setting is the firmware's default
NAMED = {
    "trusted": "server.cert.der",
    "certificate": "board.cert.der",
    "key": "board.key.der",
}
MEASURED = re.compile(r"measured (\d+) ")
NEAR_MS = 60


def _nearest(stored, ts):
    at = bisect.bisect(stored, ts)
    return min((abs(ts - other) for other in stored[max(0, at - 1) : at + 1]), default=1e9)


class Failed(Exception):
    """A step did not show what it claims."""


def require(condition, message: str) -> None:
    if not condition:
        raise Failed(message)


class Stage:
    """`with Stage() as stage:` has a running simulator and a board that is still off."""

    def __init__(
        self,
        folder: Path = FOLDER,
        progress=lambda done, total, said: None,
        secure: bool = False,
    ):
        self.folder = folder
        self.secure = secure
        self.extras = [application.Extra.protobuf] if secure else []
        self.progress = progress
        self.sim = Simulator()
        self.page = WebServer(self.sim, [page.mount])
        self.network = Network({SERVER: [self.sim.host]}, **AIR)
        self.board = Board(folder / "flash.img", on_line=self._log, network=self.network)

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._console = (self.folder / "console.log").open("w", buffering=1)
        self.key = keys.create(self.folder / "key.pem")
        self.sim.start()
        self.page.start()
        profile = PROFILE
        if self.secure:
            self._certify()
            profile = PROFILE | {"transport": "COAP", "payload": "PROTOBUF", "protos": PROTOS}
        self.sim.add_profile("demo", **profile)
        return self

    def __exit__(self, *_):
        self.board.stop()
        self.page.close()
        self.sim.close()
        self._console.close()

    def _log(self, line):
        self._console.write(line + "\n")

    def prepare(self) -> int:
        """Put the firmware on an empty flash and return how many bytes of files that are."""
        root = self.folder / "root"
        settings = {
            "server": SERVER,
            "wifi_ssid": AIR["ssid"],
            "wifi_password": AIR["key"],
            "port": self.sim.port,
            "provision_key": PROFILE["provision_key"],
            "provision_secret": PROFILE["provision_secret"],
            "device_name": DEVICE_NAME,
            "interval": INTERVAL_S,
        }
        if self.secure:
            settings |= {"port": self.sim.secure_port, "payload": "protobuf", **NAMED}
            settings["journal"] = 0  # with Protobuf three copies leave no room (docs/updates.md)
        stage.stage(
            root,
            settings=settings,
            public_keys=keys.public_bytes(self.key),
            named=checking.named_files(settings, self.folder),
        )
        (root / "factory" / releases.DROPPED).write_text("# Not in any later release.\n")
        self.board.format()
        self.board.deploy(root, compiled=False)
        return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())

    def _certify(self):
        # The server's certificate is the one that the board trusts; the board has one of its own.
        server = certificates.make("server", hosts=(SERVER,))
        certificates.write(server, self.folder, "server")
        certificates.write(certificates.make(DEVICE_NAME), self.folder, "board")
        self.sim.secure(self.folder / "server.cert.pem", self.folder / "server.key.pem")
        self._depot = self.sim.add_device("depot", DEPOT)

    def assign(self, package: Package) -> None:
        """Assign a package to the board, in the way that works for it."""
        if self.secure:
            self.sim.assign(self._depot, package)
            query = f"title={package.title}&version={package.version}"
            url = f"coap://{SERVER}:{self.sim.port}/fw/{DEPOT}?{query}"
            package = replace(package, url=url)
        self.sim.assign(self.device, package)

    @property
    def device(self):
        """The device as the server knows it."""
        return self.sim.device(DEVICE_NAME)

    def credentials(self) -> dict:
        """What the board has saved; it must be off."""
        return json.loads(self.board.read("/credentials.json"))

    def measured(self, after: int = 0) -> set[int]:
        """Return the times of the measurements told on the console since a line."""
        lines = self.board.lines[after:]
        return {int(match[1]) for line in lines if (match := MEASURED.search(line))}

    def missing(self, times: set[int]) -> set[int]:
        """Return which of the times of measurements the server has no telemetry for.

        The console tells the time a moment after the record has taken it.
        """
        stored = sorted(self.stored())
        return {ts for ts in times if _nearest(stored, ts) > NEAR_MS}

    def stored(self) -> set[int]:
        """Return the times of the telemetry that the server has."""
        return {ts for ts, _, _ in list(self.device.telemetry)}

    def states(self) -> list[str]:
        """Return what the server was told about an update, and tells itself, in order."""
        return [value for _, key, value in list(self.device.telemetry) if key == "fw_state"]

    def until(self, condition, timeout_s: float, what: str):
        """Wait until condition() is true and return it; BoardError if it does not come true."""
        return self.board.wait(condition, timeout_s, what)

    def rpc(self, method: str, params=None):
        if not self.secure:
            return self.sim.rpc(self.device, method, params)
        # The default schema of commands has text for params, and of replies text with JSON.
        params = params if params is None else json.dumps(params)
        return json.loads(self.sim.rpc(self.device, method, params)["payload"])

    def repeated_requests(self, after: int = 0) -> int:
        """Count the requests that reached the server once more, by address and message id."""
        seen, repeated = set(), 0
        for event in self.sim.events[after:]:
            if event.is_request:
                repeated += (event.address, event.message.mid) in seen
                seen.add((event.address, event.message.mid))
        return repeated
