"""DTLS for `make sim`: what boards trust is made once, so that they need nothing else later.

A folder keeps a CA and the certificate of one device. The server's own certificate is made at each
start, for the addresses that this PC has then.
"""

import tempfile
from pathlib import Path

from tools import certificates
from tools.certificates import Identity

from .banner import ANY, own_addresses
from .simulator import Simulator

FOLDER = Path("keys", "sim")
CA, DEVICE = "ca", "board"  # of the files in the folder
DEVICE_NAME = "demo-x509"


def serve(sim: Simulator, folder: Path, port: int) -> None:
    """Serve over DTLS as well, with a device that is known by its certificate.

    Raises OSError: the port is taken; ValueError: the folder has what is no certificate.
    """
    ca = kept(folder, CA, "simulator", is_ca=True)
    device = kept(folder, DEVICE, DEVICE_NAME)
    server = certificates.make("simulator", ca, hosts(sim.host))
    with tempfile.TemporaryDirectory() as place:  # OpenSSL reads files
        certificates.write(server, Path(place), "server")
        sim.secure(Path(place, "server.cert.pem"), Path(place, "server.key.pem"), port)
    sim.set_certificate(sim.add_device(DEVICE_NAME), device.pem)


def hosts(host: str) -> tuple[str, ...]:
    """Return by which names and addresses devices reach a server that listens on host."""
    own = own_addresses() if host == ANY else {host: ""}
    return tuple(dict.fromkeys((*own, "127.0.0.1", "localhost")))


def kept(folder: Path, stem: str, name: str, is_ca: bool = False) -> Identity:
    """Return what the folder has, made now if it is not there yet."""
    paths = [folder / f"{stem}.{part}.pem" for part in ("cert", "key")]
    if not any(path.exists() for path in paths):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificates.write(certificates.make(name, is_ca=is_ca), folder, stem)
    return certificates.load(*paths)
