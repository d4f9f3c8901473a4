"""One report each, by MQTT and by CoAP, of the same records over the same line.

The servers answer at once: a ThingsBoard would take the same time for both.
"""

import json
import subprocess
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools import certificates
from tools.measure.low_power.broker import broker
from tools.measure.low_power.line import FAR, NEAR, Line
from tools.measure.low_power.packets import Traffic
from tools.tbsim import Simulator
from tools.unixport import LIBRARIES, environment, micropython
from tools.vboard import World

DEVICE = Path(__file__).with_name("device")
TOKEN = "TWENTY_CHARACTERS_20"  # as long as the server's own
TIMEOUT_S = 60


@dataclass(frozen=True)
class Way:
    """How a report goes; listens: it registers for, or subscribes to, attributes and commands."""

    name: str
    script: str
    listens: bool
    how: dict


WAYS = (
    Way("MQTT, QoS 0", "mqtt_report.py", False, {"qos": 0}),
    Way("MQTT, QoS 1", "mqtt_report.py", False, {"qos": 1}),
    Way("CoAP", "coap_report.py", False, {}),
    Way("MQTT, QoS 1", "mqtt_report.py", True, {"qos": 1}),
    Way("CoAP", "coap_report.py", True, {}),
)


class ReportError(Exception):
    """A client did not come to its end, or the server has not got what it sent."""


@dataclass(frozen=True)
class Servers:
    """The simulator and the broker's ports, each (without TLS, with it); trusted is for clients.

    world has the simulator's time, which a board's sleep moves.
    """

    sim: Simulator
    world: World
    mqtt: tuple[int, int]
    trusted: Path

    @property
    def coap(self) -> tuple[int, int]:
        return self.sim.port, self.sim.secure_port


@contextmanager
def servers(folder: Path):
    """Give the Servers, which listen on NEAR."""
    certificates.write(certificates.make("server", hosts=(FAR,)), folder, "server")
    pem = folder / "server.cert.pem", folder / "server.key.pem"
    world = World()
    with Simulator(NEAR, at_once=True, clock=world.time) as sim, broker(folder, *pem) as mqtt:
        sim.secure(*pem)
        yield Servers(sim, world, mqtt, folder / "server.cert.der")


def report(line: Line, servers: Servers, way: Way, secure: bool, records: int) -> Traffic:
    """Return what one report was on the line. ReportError."""
    device = servers.sim.add_device(f"device {len(line.packets)}", TOKEN)
    ports = servers.mqtt if way.script.startswith("mqtt") else servers.coap
    arguments = {
        "host": FAR,
        "port": ports[secure],
        "token": TOKEN,
        "records": records,
        "trusted": str(servers.trusted) if secure else None,
        **way.how,
        "listens": way.listens,
    }
    begin = len(line.packets)
    run = subprocess.run(
        [micropython(), str(DEVICE / way.script), json.dumps(arguments)],
        env=environment(*LIBRARIES),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    line.settle()
    if run.returncode:
        raise ReportError(f"{way.name}: {run.stdout}{run.stderr}")
    if ports is servers.coap and len(device.telemetry) != 2 * records:
        raise ReportError(f"{way.name}: {len(device.telemetry)} values of {records} records")
    return Traffic.of(line.packets[begin:], *ports)


def row(line: Line, servers: Servers, way: Way, secure: bool, records: int) -> dict:
    """Return the same as a row of the result."""
    traffic = asdict(report(line, servers, way, secure, records))
    rtt_ms = round(2000 * line.delay_s)
    told = {"by": way.name, "listens": way.listens, "secure": secure, "records": records}
    return {**told, "rtt_ms": rtt_ms, **traffic}
