"""The network around a virtual board: an access point, a DNS server, and a link that they cut."""

import contextlib
import shutil
from pathlib import Path

from tools.package import releases
from tools.soak.dns import DNS
from tools.soak.wifi import AccessPoint
from tools.tbsim import Simulator

OWNER = Path(__file__).parent / "owner"
PORT = '_%s = ("127.0.0.1", %d)'  # in a file of the board: a server on the host
NAME = "thingsboard.example"  # of the simulator
SSID = "air"


class Air(contextlib.ExitStack):
    """`with Air(sim) as air:` has air.wifi and air.dns; nothing passes while Wi-Fi is not joined.

    settings are those that the board needs for it.
    """

    settings = {"server": NAME, "wifi_ssid": SSID}

    def __init__(self, sim: Simulator):
        super().__init__()
        self._link = sim.link
        self.dns = DNS(sim.host)
        self.wifi = AccessPoint(self._carried)

    def __enter__(self):
        self.enter_context(self.dns)
        self.enter_context(self.wifi)
        return self

    def install(self, root: Path) -> None:
        """Put the module `network` into what is copied to a board."""
        shutil.copy(OWNER / "network.py", root)
        ported(root / "network.py", HOST=self.wifi.port, DNS=self.dns.port)

    def _carried(self, passes: bool) -> None:
        self._link.down = not passes
        self.dns.carried = passes


def ported(path: Path, **ports: int) -> None:
    """Put the ports of servers on the host into a file of the board."""
    for name, port in ports.items():
        releases.edit(path, PORT % (name, 0), PORT % (name, port))
